// Two-dimensional Fourier transforms of one array at a time, in place.
#pragma once

#include <memory>
#include <string>

#include "core/base/complex.hpp"
#include "core/base/view.hpp"

namespace ptychoflow::device {

/// How a transform is chosen.
enum class FftPlanning {
  quick,     ///< at once, by rule
  measured,  ///< by timing candidates for up to two seconds; for transforms that run many thousand times
};

/// In-place transform by FFTW or, for sides with a large prime factor, by PrimeFft2d; of a row-major [y][x] array,
/// neither direction normalised: forward then inverse multiplies by ny·nx. The forward kernel is exp(−2πi qr). One
/// object may serve many threads at once.
template <class T>
class Fft2d {
 public:
  /// @throws Error (other) if the library makes no plan for this size
  Fft2d(Index ny, Index nx, FftPlanning planning = FftPlanning::quick);
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

/// What `measured` has found so far in this process, as text: ranks that share it compute with the same transforms,
/// hence the same bits.
template <class T>
std::string fft_knowledge();

/// Makes later `measured` plans as described; text that is not understood is ignored.
template <class T>
void learn_fft(const std::string& knowledge);

}  // namespace ptychoflow::device
