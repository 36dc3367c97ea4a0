// Loops over one row of pixels, where the operators become vector instructions. Rows are contiguous; `n` pixels each.
#pragma once

#include "core/ptycho/kernels.hpp"

namespace ptychoflow::ptycho::rows {

/// wave ← 2PO − ψ
template <class T>
void reflect(Complex<T>* wave, const Complex<T>* p, const Complex<T>* o, const Complex<T>* psi, Index n);

/// wave ← PO
template <class T>
void multiply(Complex<T>* wave, const Complex<T>* p, const Complex<T>* o, Index n);

/// sum ← |a|², or sum ← sum + |a|²
template <class T>
void set_norm(T* sum, const Complex<T>* a, Index n);
template <class T>
void add_norm(T* sum, const Complex<T>* a, Index n);

/// sum ← sum + a
template <class T>
void add(T* sum, const T* a, Index n);

/// The largest of values that are not negative; 0 if there are none.
template <class T>
T largest(const T* a, Index n);

/// model ← √model·scale; returns the fit over measured pixels, and how many there are.
struct Deviation {
  FitSums fit;
  double measured_pixels = 0;
};
template <class T>
Deviation deviation(T* model, const T* measured, T scale, Index n);

/// model ← scale · op::modulus_factor
template <class T>
void modulus_factor(T* model, const T* measured, T slack, T scale, Index n);

/// wave ← factor·wave
template <class T>
void scale(Complex<T>* wave, const T* factor, Index n);

/// ψ ← ψ + op::exit_wave_step; leaves the step in `projected`.
template <class T>
ChangeSums update_exit_wave(Complex<T>* psi, Complex<T>* projected, const Complex<T>* p, const Complex<T>* o, T beta,
                            Index n);

/// sum ← sum + a*·b: op::probe_term and op::object_term
template <class T>
void add_conjugate_product(Complex<T>* sum, const Complex<T>* a, const Complex<T>* b, Index n);

/// target ← op::overlap_quotient
template <class T>
ChangeSums divide(Complex<T>* target, const Complex<T>* numerator, const T* denominator, T floor, T lit, Index n);

}  // namespace ptychoflow::ptycho::rows
