// Loops over one row of pixels, where the operators become vector instructions. Rows are contiguous; `n` pixels each.
#pragma once

#include "core/ptycho/kernels.hpp"

namespace ptychoflow::ptycho::rows {

/// sum ← sum + |a|²
template <class T>
void add_norm(T* sum, const Complex<T>* a, Index n);

/// sum ← sum + a
template <class T>
void add(T* sum, const T* a, Index n);

/// sum ← sum + a·scale, rounded to whole numbers, which must stay below 2^51.
template <class T>
void add_whole(std::int64_t* sum, const T* a, double scale, Index n);

/// The largest of values that are not negative; 0 if there are none.
template <class T>
T largest(const T* a, Index n);

/// target ← op::overlap_quotient. Pixels count whose denominator is `lit` at least.
template <class T>
ChangeSums divide(Complex<T>* target, const Complex<T>* numerator, const T* denominator, T floor, T lit, Index n);

}  // namespace ptychoflow::ptycho::rows
