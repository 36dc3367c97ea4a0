// Two-dimensional cosine transforms of one real array at a time, in place.
#pragma once

#include <memory>

#include "core/base/view.hpp"

namespace ptychoflow::device {

/// In-place cosine transform by FFTW of a row-major [y][x] array. Forward is DCT-II, 4 Σ a(y,x) cos(π qy (y+½)/ny)
/// cos(π qx (x+½)/nx), whose basis has no slope across the array's border; inverse is DCT-III. Neither is normalised:
/// forward then inverse multiplies by 4·ny·nx. One object may serve many threads at once.
class Dct2d {
 public:
  /// @throws Error (other) if the library makes no plan for this size
  Dct2d(Index ny, Index nx);
  ~Dct2d();
  Dct2d(Dct2d&&) noexcept;
  Dct2d& operator=(Dct2d&&) noexcept;

  /// `data`: [ny][nx], on a 16-byte boundary.
  void forward(double* data) const;
  void inverse(double* data) const;

  Index ny() const;
  Index nx() const;

 private:
  struct Plans;
  std::unique_ptr<Plans> plans_;
};

}  // namespace ptychoflow::device
