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
PTYCHOFLOW_EVERY_CPU void reflect(Complex<T>* __restrict wave, const Complex<T>* __restrict p,
                                  const Complex<T>* __restrict o, const Complex<T>* __restrict psi, Index n) {
  for (Index i = 0; i < n; ++i) wave[i] = op::reflected_wave(p[i], o[i], psi[i]);
}

template <class T>
PTYCHOFLOW_EVERY_CPU void multiply(Complex<T>* __restrict wave, const Complex<T>* __restrict p,
                                   const Complex<T>* __restrict o, Index n) {
  for (Index i = 0; i < n; ++i) wave[i] = p[i] * o[i];
}

template <class T>
PTYCHOFLOW_EVERY_CPU void set_norm(T* __restrict sum, const Complex<T>* __restrict a, Index n) {
  for (Index i = 0; i < n; ++i) sum[i] = norm(a[i]);
}

template <class T>
PTYCHOFLOW_EVERY_CPU void add_norm(T* __restrict sum, const Complex<T>* __restrict a, Index n) {
  for (Index i = 0; i < n; ++i) sum[i] += norm(a[i]);
}

template <class T>
PTYCHOFLOW_EVERY_CPU void add(T* __restrict sum, const T* __restrict a, Index n) {
  for (Index i = 0; i < n; ++i) sum[i] += a[i];
}

template <class T>
PTYCHOFLOW_EVERY_CPU T largest(const T* a, Index n) {
  T most = 0;
#pragma omp simd reduction(max : most)
  for (Index i = 0; i < n; ++i) most = a[i] > most ? a[i] : most;
  return most;
}

template <class T>
PTYCHOFLOW_EVERY_CPU Deviation deviation(T* __restrict model, const T* __restrict measured, T scale, Index n) {
  T misfit = 0, intensity = 0, pixels = 0;
#pragma omp simd reduction(+ : misfit, intensity, pixels)
  for (Index i = 0; i < n; ++i) {
    const T m = std::sqrt(model[i]) * scale;
    const T a = measured[i];
    const T good = a >= 0 ? T(1) : T(0);
    model[i] = m;
    misfit += good * (m - a) * (m - a);
    intensity += good * a * a;
    pixels += good;
  }
  return {{misfit, intensity}, pixels};
}

template <class T>
PTYCHOFLOW_EVERY_CPU void modulus_factor(T* __restrict model, const T* __restrict measured, T slack, T scale, Index n) {
  for (Index i = 0; i < n; ++i) model[i] = scale * op::modulus_factor(model[i], measured[i], slack);
}

template <class T>
PTYCHOFLOW_EVERY_CPU void scale(Complex<T>* __restrict wave, const T* __restrict factor, Index n) {
  for (Index i = 0; i < n; ++i) wave[i] = factor[i] * wave[i];
}

template <class T>
PTYCHOFLOW_EVERY_CPU ChangeSums update_exit_wave(Complex<T>* __restrict psi, Complex<T>* __restrict projected,
                                                 const Complex<T>* __restrict p, const Complex<T>* __restrict o, T beta,
                                                 Index n) {
  for (Index i = 0; i < n; ++i) projected[i] = op::exit_wave_step(projected[i], p[i], o[i], beta);
  // The rest needs no pairs: a loop over plain numbers, still in the nearest cache.
  const T* step = &projected->re;
  T* wave = &psi->re;
  T change = 0, size = 0;
#pragma omp simd reduction(+ : change, size)
  for (Index i = 0; i < 2 * n; ++i) {
    const T updated = wave[i] + step[i];
    wave[i] = updated;
    change += step[i] * step[i];
    size += updated * updated;
  }
  return {change, size};
}

template <class T>
PTYCHOFLOW_EVERY_CPU void add_conjugate_product(Complex<T>* __restrict sum, const Complex<T>* __restrict a,
                                                const Complex<T>* __restrict b, Index n) {
  for (Index i = 0; i < n; ++i) sum[i] = sum[i] + conj(a[i]) * b[i];
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

#define PTYCHOFLOW_INSTANTIATE(T)                                                                                 \
  template void reflect(Complex<T>*, const Complex<T>*, const Complex<T>*, const Complex<T>*, Index);             \
  template void multiply(Complex<T>*, const Complex<T>*, const Complex<T>*, Index);                               \
  template void set_norm(T*, const Complex<T>*, Index);                                                           \
  template void add_norm(T*, const Complex<T>*, Index);                                                           \
  template void add(T*, const T*, Index);                                                                         \
  template T largest(const T*, Index);                                                                            \
  template Deviation deviation(T*, const T*, T, Index);                                                           \
  template void modulus_factor(T*, const T*, T, T, Index);                                                        \
  template void scale(Complex<T>*, const T*, Index);                                                              \
  template ChangeSums update_exit_wave(Complex<T>*, Complex<T>*, const Complex<T>*, const Complex<T>*, T, Index); \
  template void add_conjugate_product(Complex<T>*, const Complex<T>*, const Complex<T>*, Index);                  \
  template ChangeSums divide(Complex<T>*, const Complex<T>*, const T*, T, T, Index);

PTYCHOFLOW_INSTANTIATE(float)
PTYCHOFLOW_INSTANTIATE(double)

}  // namespace ptychoflow::ptycho::rows
