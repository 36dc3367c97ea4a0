// A complex number that compiles for host and device, laid out like std::complex and like HDF5's compound {r,i}.
#pragma once

#include <cmath>
#include <complex>
#include <type_traits>

#include "core/base/macros.hpp"

namespace ptychoflow {

/// Complex number; multiplication is the plain formula, without the special cases of C99 Annex G. Aligned so that a GPU
/// moves both parts at once.
template <class T>
struct alignas(2 * sizeof(T)) Complex {
  T re{};
  T im{};

  PTYCHOFLOW_HOST_DEVICE constexpr Complex& operator+=(Complex b) { return *this = *this + b; }
  PTYCHOFLOW_HOST_DEVICE constexpr Complex& operator-=(Complex b) { return *this = *this - b; }
  PTYCHOFLOW_HOST_DEVICE constexpr Complex& operator*=(Complex b) { return *this = *this * b; }
  PTYCHOFLOW_HOST_DEVICE constexpr Complex& operator*=(T s) { return *this = *this * s; }

  PTYCHOFLOW_HOST_DEVICE friend constexpr Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
  PTYCHOFLOW_HOST_DEVICE friend constexpr Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
  PTYCHOFLOW_HOST_DEVICE friend constexpr Complex operator-(Complex a) { return {-a.re, -a.im}; }
  PTYCHOFLOW_HOST_DEVICE friend constexpr Complex operator*(Complex a, Complex b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
  }
  PTYCHOFLOW_HOST_DEVICE friend constexpr Complex operator*(T s, Complex a) { return {s * a.re, s * a.im}; }
  PTYCHOFLOW_HOST_DEVICE friend constexpr Complex operator*(Complex a, T s) { return s * a; }
  PTYCHOFLOW_HOST_DEVICE friend constexpr Complex operator/(Complex a, T s) { return {a.re / s, a.im / s}; }
  friend constexpr bool operator==(Complex, Complex) = default;
};

template <class T>
PTYCHOFLOW_HOST_DEVICE constexpr Complex<T> conj(Complex<T> a) {
  return {a.re, -a.im};
}

/// |a|²
template <class T>
PTYCHOFLOW_HOST_DEVICE constexpr T norm(Complex<T> a) {
  return a.re * a.re + a.im * a.im;
}

template <class T>
T abs(Complex<T> a) {
  return std::sqrt(norm(a));
}

/// Phase in radians, (−π, π].
template <class T>
T arg(Complex<T> a) {
  return std::atan2(a.im, a.re);
}

template <class T>
Complex<T> polar(T radius, T angle_rad) {
  return {radius * std::cos(angle_rad), radius * std::sin(angle_rad)};
}

static_assert(sizeof(Complex<float>) == sizeof(std::complex<float>));
static_assert(std::is_trivially_copyable_v<Complex<double>>);

}  // namespace ptychoflow
