#include "core/ptycho/rows_cpu.hpp"

#include <cmath>

#include "core/ptycho/operators.hpp"

// Each loop is compiled for several instruction sets and chosen when the library is loaded. Sanitizers cannot follow
// the indirect functions that this takes.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(PTYCHOFLOW_SANITIZED)
#define PTYCHOFLOW_EVERY_CPU __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PTYCHOFLOW_EVERY_CPU
#endif

namespace ptychoflow::ptycho::rows {

template <class T>
PTYCHOFLOW_EVERY_CPU void add_norm(T* __restrict sum, const Complex<T>* __restrict a, Index n) {
  for (Index i = 0; i < n; ++i) sum[i] += norm(a[i]);
}

template <class T>
PTYCHOFLOW_EVERY_CPU void add(T* __restrict sum, const T* __restrict a, Index n) {
  for (Index i = 0; i < n; ++i) sum[i] += a[i];
}

template <class T>
PTYCHOFLOW_EVERY_CPU void add_whole(std::int64_t* __restrict sum, const T* __restrict a, double scale, Index n) {
  for (Index i = 0; i < n; ++i) sum[i] += whole(static_cast<double>(a[i]) * scale);
}

template <class T>
PTYCHOFLOW_EVERY_CPU T largest(const T* a, Index n) {
  T most = 0;
#pragma omp simd reduction(max : most)
  for (Index i = 0; i < n; ++i) most = a[i] > most ? a[i] : most;
  return most;
}

template <class T>
PTYCHOFLOW_EVERY_CPU ChangeSums divide(Complex<T>* __restrict target, const Complex<T>* __restrict numerator,
                                       const T* __restrict denominator, T floor, T lit, Index n) {
  T change = 0, size = 0;
#pragma omp simd reduction(+ : change, size)
  for (Index i = 0; i < n; ++i) {
    const T counts = denominator[i] >= lit ? T(1) : T(0);
    const Complex<T> old = target[i];
    const Complex<T> updated = op::overlap_quotient(numerator[i], denominator[i], old, floor);
    change += counts * ((updated.re - old.re) * (updated.re - old.re) + (updated.im - old.im) * (updated.im - old.im));
    size += counts * (updated.re * updated.re + updated.im * updated.im);
    target[i].re = updated.re;
    target[i].im = updated.im;
  }
  return {change, size};
}

#define PTYCHOFLOW_INSTANTIATE(T)                                  \
  template void add_norm(T*, const Complex<T>*, Index);            \
  template void add(T*, const T*, Index);                          \
  template void add_whole(std::int64_t*, const T*, double, Index); \
  template T largest(const T*, Index);                             \
  template ChangeSums divide(Complex<T>*, const Complex<T>*, const T*, T, T, Index);

PTYCHOFLOW_INSTANTIATE(float)
PTYCHOFLOW_INSTANTIATE(double)
template void add(std::int64_t*, const std::int64_t*, Index);

}  // namespace ptychoflow::ptycho::rows
