// One-dimensional Fourier transforms of the columns of a strip. A column is a lane of a vector register: no transform
// needs to move numbers between lanes.
#pragma once

#include <memory>
#include <vector>

#include "core/device/simd.hpp"

namespace ptychoflow::device {

/// In-place transforms of strips of `n` rows, [row][re, im][lane], on a 64-byte boundary; neither direction normalised:
/// forward then inverse multiplies by n. The forward kernel is exp(−2πi qr). Forward leaves frequencies in the order
/// that costs nothing, `frequency`, and inverse takes them in it. Any n: factors up to 13 by decimation in frequency
/// (Cooley and Tukey 1965), larger primes by the sum as it stands, over even and odd parts, whose coefficients are
/// real. One object may serve many threads at once.
template <class T>
class StripFft {
 public:
  explicit StripFft(Index n, Simd simd = best_simd());
  ~StripFft();
  StripFft(StripFft&&) noexcept;
  StripFft& operator=(StripFft&&) noexcept;

  void forward(T* strip) const;
  void inverse(T* strip) const;

  Index size() const { return static_cast<Index>(frequency_.size()); }

  /// [row]: which frequency it holds after `forward`.
  const std::vector<Index>& frequency() const { return frequency_; }

  /// to[x][y] ← rows[y][x] for strip_lanes × strip_lanes real numbers; rows of `to`, which is elsewhere, are `step`
  /// apart.
  void transpose(const T* const* rows, T* to, Index step) const;

 private:
  struct Plan;
  std::unique_ptr<const Plan> plan_;
  std::vector<Index> frequency_;
};

}  // namespace ptychoflow::device
