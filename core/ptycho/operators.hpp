// The physics of one iteration, element by element. CPU and GPU compile these same functions; equation numbers are
// those of Dong et al. 2018.
#pragma once

#include "core/base/complex.hpp"
#include "core/base/macros.hpp"
#include "core/ptycho/settings.hpp"

namespace ptychoflow::ptycho::op {

/// The argument of the modulus projection in (3): 2PO − ψ.
template <class T>
PTYCHOFLOW_HOST_DEVICE Complex<T> reflected_wave(Complex<T> po, Complex<T> psi) {
  return po + po - psi;
}

// (3) is worked out as a difference. With w = 2PO − ψ and F⁻¹F_c[w] = w + δ,
//
//     ψ + β{F⁻¹F_c[2PO − ψ] − PO} = ψ + β{PO + δ − ψ}
//
// so that ψ moves by β towards PO + δ, and for β = 1 need not be read again once w is formed.

/// The change that (4) makes to one pixel of a transform, as a factor of it, all modes alike: measured/model − 1.
/// 0 where nothing was measured (measured < 0) or nothing was computed (model = 0).
template <class T>
PTYCHOFLOW_HOST_DEVICE T modulus_change(T model, T measured) {
  return (measured >= 0 && model > 0) ? measured / model - T(1) : T(0);
}

/// How far the modulus projection pulls, as a factor of δ: 1 replaces the magnitudes whole, as (4) does; 0 leaves them
/// as they are. Beyond the paper: a frame whose mean squared deviation e from the data exceeds the bound b is pulled
/// until e = b; magnitudes then lie between what the wave has and what (4) gives it, and so do the waves themselves.
PTYCHOFLOW_HOST_DEVICE double pull(double mean_square_deviation, double bound) {
  if (mean_square_deviation <= bound) return 0;
  return 1 - __builtin_sqrt(bound / mean_square_deviation);
}

/// ψ of (3), for `target` = PO + δ. For β = 1 it does not depend on the old one.
template <class T>
PTYCHOFLOW_HOST_DEVICE Complex<T> updated_exit_wave(Complex<T> old, Complex<T> target, T beta) {
  return old + beta * (target - old);
}

// (7) for ψ sums |PO − ψ + δ|²·β² = (|PO − ψ|² + 2Re w*δ + |δ|² − 2Re (PO)*δ)·β², each term where its operands are at
// hand. A transform keeps the sum of the second, which at the detector is one of real numbers.

/// |PO − ψ|², while w is formed.
template <class T>
PTYCHOFLOW_HOST_DEVICE T step_when_reflected(Complex<T> po, Complex<T> psi) {
  return norm(po - psi);
}

/// 2Re w*δ for one pixel of the detector, summed over modes, where the magnitudes are replaced whole.
template <class T>
PTYCHOFLOW_HOST_DEVICE T step_at_detector(T model, T measured) {
  return measured >= 0 ? 2 * model * (measured - model) : T(0);
}

/// |δ|² − 2Re (PO)*δ, while ψ is updated.
template <class T>
PTYCHOFLOW_HOST_DEVICE T step_when_updated(Complex<T> po, Complex<T> delta) {
  return delta.re * (delta.re - po.re - po.re) + delta.im * (delta.im - po.im - po.im);
}

/// A view's and mode's term in a numerator: O*ψ in that of (5), P*ψ in that of (6).
template <class T>
PTYCHOFLOW_HOST_DEVICE Complex<T> overlap_term(Complex<T> other_factor, Complex<T> psi) {
  return conj(other_factor) * psi;
}

/// The quotient in (5) and (6). A `floor` small against the largest denominator leaves lit pixels what they are and
/// keeps unlit ones at their old value.
template <class T>
PTYCHOFLOW_HOST_DEVICE Complex<T> overlap_quotient(Complex<T> numerator, T denominator, Complex<T> old, T floor) {
  return (numerator + floor * old) / (denominator + floor);
}

/// The nearest value whose amplitude and phase are within `bounds`.
template <class T>
PTYCHOFLOW_HOST_DEVICE Complex<T> bounded(Complex<T> o, const ObjectBounds& bounds) {
  const double amplitude = __builtin_sqrt(static_cast<double>(norm(o)));
  const double phase = __builtin_atan2(static_cast<double>(o.im), static_cast<double>(o.re));
  const double a = amplitude < bounds.amplitude_min   ? bounds.amplitude_min
                   : amplitude > bounds.amplitude_max ? bounds.amplitude_max
                                                      : amplitude;
  const double phi = phase < bounds.phase_min_rad   ? bounds.phase_min_rad
                     : phase > bounds.phase_max_rad ? bounds.phase_max_rad
                                                    : phase;
  if (a == amplitude && phi == phase) return o;
  return {static_cast<T>(a * __builtin_cos(phi)), static_cast<T>(a * __builtin_sin(phi))};
}

}  // namespace ptychoflow::ptycho::op
