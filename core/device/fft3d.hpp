// Fourier transform of a real volume, in place.
#pragma once

#include <memory>

#include "core/base/complex.hpp"
#include "core/base/view.hpp"
#include "core/device/array.hpp"
#include "core/device/thread_pool.hpp"

namespace ptychoflow::device {

/// A real volume [z][y][x] and, after a transform, half of its spectrum, [z][y][x/2+1], in the same memory: the other
/// half is the conjugate of this one at −q.
class RealVolume {
 public:
  /// Zeros.
  /// @throws Error (resource) if the memory is not there
  explicit RealVolume(Extents<3> extents) : extents_(extents), half_({extents[0], extents[1], extents[2] / 2 + 1}) {}

  const Extents<3>& extents() const { return extents_; }  ///< of the volume
  /// `extents()[2]` voxels.
  float* row(Index z, Index y) { return reinterpret_cast<float*>(&half_(z, y, 0)); }
  const float* row(Index z, Index y) const { return reinterpret_cast<const float*>(&half_(z, y, 0)); }

  View<Complex<float>, 3> spectrum() { return half_; }
  View<const Complex<float>, 3> spectrum() const { return half_; }

  /// How many coefficients of the whole spectrum column x of the half stands for: itself, and its conjugate if that has
  /// a column of its own.
  Index stands_for(Index x) const { return x == 0 || 2 * x == extents_[2] ? 1 : 2; }

 private:
  Extents<3> extents_;
  Array<Complex<float>, 3> half_;
};

/// By FFTW, in single precision; neither direction normalised: forward then inverse multiplies by nz·ny·nx. The forward
/// kernel is exp(−2πi qr). The result does not depend on the number of threads.
class RealFft3d {
 public:
  /// @throws Error (other) if the library makes no plan for this size
  explicit RealFft3d(Extents<3> extents);
  ~RealFft3d();
  RealFft3d(RealFft3d&&) noexcept;
  RealFft3d& operator=(RealFft3d&&) noexcept;

  /// `volume` is of this transform's extents.
  void forward(RealVolume& volume, ThreadPool& threads) const;
  void inverse(RealVolume& volume, ThreadPool& threads) const;

 private:
  struct Plans;
  std::unique_ptr<Plans> plans_;
};

}  // namespace ptychoflow::device
