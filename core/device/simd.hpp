// Loops that are compiled for several instruction sets and chosen when the program runs.
#pragma once

#include "core/base/view.hpp"

namespace ptychoflow::device {

/// Instruction sets that such loops are compiled for, from the least to the best.
enum class Simd { portable, avx2, avx512 };

/// The best one that this processor has.
Simd best_simd();

/// Calls one of three functions. The others are not touched: this processor may not have their instructions.
template <class Loops>
Loops choose(Simd simd, Loops (*portable)(), Loops (*avx2)(), Loops (*avx512)()) {
  return simd == Simd::avx512 ? avx512() : simd == Simd::avx2 ? avx2() : portable();
}

/// Columns that are worked on side by side, one a lane of a vector register: 64 bytes of real numbers. Such columns are
/// a strip: [row][re, im][lane], on a 64-byte boundary.
template <class T>
inline constexpr Index strip_lanes = 64 / static_cast<Index>(sizeof(T));

/// Numbers in a row of a strip: real parts of all lanes, then imaginary parts.
template <class T>
inline constexpr Index strip_row = 2 * strip_lanes<T>;

}  // namespace ptychoflow::device
