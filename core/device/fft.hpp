// Two-dimensional Fourier transforms of one array at a time, in place.
#pragma once

#include <memory>

#include "core/base/complex.hpp"
#include "core/base/view.hpp"

namespace ptychoflow::device {

/// In-place transform by FFTW, for what is transformed a few times, of a row-major [y][x] array; neither direction
/// normalised: forward then inverse multiplies by ny·nx. The forward kernel is exp(−2πi qr). One object may serve many
/// threads at once. The iteration has transforms of its own, strip_fft.hpp.
template <class T>
class Fft2d {
 public:
  /// @throws Error (other) if the library makes no plan for this size
  Fft2d(Index ny, Index nx);
  ~Fft2d();
  Fft2d(Fft2d&&) noexcept;
  Fft2d& operator=(Fft2d&&) noexcept;

  /// `data`: [ny][nx], on a 16-byte boundary.
  void forward(Complex<T>* data) const;
  void inverse(Complex<T>* data) const;

  Index ny() const;
  Index nx() const;

 private:
  struct Plans;
  std::unique_ptr<Plans> plans_;
};

}  // namespace ptychoflow::device
