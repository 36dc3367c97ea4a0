// Overlap sums as whole numbers: the same for any order of views, any ranks and threads. A term is rounded to a
// multiple of a power of two before it is added; what follows is exact.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/base/macros.hpp"

namespace ptychoflow::ptycho {

/// How terms become whole numbers. The same on all ranks.
struct FixedPoint {
  double scale = 0;  ///< whole numbers to one; 0: sums are in floating point
  double limit = 0;  ///< the largest whole number that a term may be, so that no sum overflows

  bool used() const { return scale > 0; }
};

/// A whole number from a term in units of 1/scale. Good to 2^51; the caller compares with the limit.
PTYCHOFLOW_HOST_DEVICE std::int64_t whole(double scaled) {
#ifdef __CUDA_ARCH__
  return __double2ll_rn(scaled);
#else
  return static_cast<std::int64_t>(__builtin_rint(scaled));
#endif
}

/// What is said when a term exceeds the limit.
inline constexpr const char* term_too_large =
    "reproducible: a term of the overlap sums is larger than whole numbers can take here: the reconstruction has run "
    "away. Check the starting probe and the frames, or bound the object by object_amplitude";

/// @param expected_sum  the size that a sum will have, more or less: it comes to 46 bits, which leaves 17 above it and
///                      rounds terms to 10⁻¹⁴ of it
/// @param terms         how many are added up at most
inline FixedPoint fixed_point(double expected_sum, double terms) {
  int exponent = 0;
  if (expected_sum > 0 && std::isfinite(expected_sum)) std::frexp(expected_sum, &exponent);
  return {std::ldexp(1.0, 46 - exponent), std::min(0x1p51, 0x1p62 / std::max(terms, 1.0))};
}

}  // namespace ptychoflow::ptycho
