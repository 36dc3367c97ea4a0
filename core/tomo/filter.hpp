// Filters of filtered back projection.
#pragma once

#include <cmath>
#include <vector>

#include "core/base/complex.hpp"
#include "core/base/macros.hpp"
#include "core/base/units.hpp"
#include "core/base/view.hpp"
#include "core/device/fft.hpp"

namespace ptychoflow::tomo {

/// What a projection is convolved with before it is back-projected; f is in periods a pixel, 0 … 1/2.
enum class Filter {
  ramp,         ///< |f|, cut at 1/2 (Ram-Lak): sharpest, and most noise
  shepp_logan,  ///< ramp times sin(πf)/(πf)
  hann,         ///< ramp times (1 + cos 2πf)/2
  butterworth,  ///< ramp / √(1 + (4f)⁸): half the frequencies, a soft end
  derivative,   ///< for phases: Hilbert filter of the phase's differences from pixel to pixel, wrapped to (−π, π].
                ///< As shepp_logan where the phase is unwrapped rightly; does not see errors of 2π
};

/// Convolves rows, which are nothing beyond their ends. Kernels are sampled in space and transformed, so that the
/// filter is right at f = 0, too, and slices have no offset (Kak & Slaney, Principles of Computerized Tomographic
/// Imaging, 1988, ch. 3.3). One object may serve many threads.
class RowFilter {
 public:
  /// @param width pixels of a row
  RowFilter(Filter filter, Index width);

  /// Complex numbers of the work space of `apply`.
  Index work_size() const { return fft_.nx(); }

  /// What a row's transform is multiplied by, over the number of its frequencies: FFTW's transforms are not normalised.
  const std::vector<Complex<float>>& response() const { return response_; }

  /// Filters two rows at once.
  /// @param a, b [x]; `b` may be null
  /// @param out_a, out_b [x · stride]; multiplied by `scale`
  /// @param work [work_size()], on a 16-byte boundary
  void apply(const float* a, const float* b, float scale, float* out_a, float* out_b, Index stride,
             Complex<float>* work) const;

 private:
  Filter filter_;
  Index width_;
  device::Fft2d<float> fft_;
  std::vector<Complex<float>> response_;
};

/// `x` less whole turns: in (−π, π].
PTYCHOFLOW_HOST_DEVICE float wrapped(float x) {
  constexpr double turn = 2 * pi;
  // Up to the rounding of single precision, π itself stays π.
  const auto y = static_cast<double>(x);
  return static_cast<float>(y - turn * std::ceil(y / turn - 0.5 - 1e-7));
}

}  // namespace ptychoflow::tomo
