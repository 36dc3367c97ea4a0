// Two-dimensional transforms of frames whose sides have a large prime factor, such as 188 = 4·47, where general
// libraries take several times as long as at the next round size.
#pragma once

#include <memory>

#include "core/base/complex.hpp"
#include "core/base/view.hpp"

namespace ptychoflow::device {

/// Where it takes less time than FFTW: where a side has a prime factor of 11 or more (measured,
/// tests/bench/RESULTS.md).
bool prime_fft_is_better(Index ny, Index nx);

/// The sign of the exponent.
enum class FftDirection { forward = -1, inverse = 1 };

/// In-place transform of a row-major [ny][nx] array, not normalised. One object may serve many threads at once.
///
/// A side of p·m points, p and m without a common divisor, is a p×m table once its points are renumbered (Good 1958,
/// Thomas 1963), with no factors between the table's two directions. Each direction is a sum as it stands, over the
/// even and the odd part of the points, whose coefficients are real: about p²/2 multiplications and additions for p
/// complex points, on as many columns at once as fill a few registers. Rows are columns of a narrow transposed copy.
template <class T>
class PrimeFft2d {
 public:
  PrimeFft2d(Index ny, Index nx);
  ~PrimeFft2d();
  PrimeFft2d(const PrimeFft2d&) = delete;
  PrimeFft2d& operator=(const PrimeFft2d&) = delete;

  void transform(Complex<T>* data, FftDirection direction) const;

 private:
  struct Plan;
  std::unique_ptr<const Plan> plan_;
};

}  // namespace ptychoflow::device
