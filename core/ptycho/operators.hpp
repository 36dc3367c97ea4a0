// The physics of one iteration, element by element. CPU and GPU compile these same functions; equation numbers are
// those of Dong et al. 2018.
#pragma once

#include "core/base/complex.hpp"
#include "core/base/macros.hpp"
#include "core/ptycho/settings.hpp"

namespace ptychoflow::ptycho::op {

/// The argument of the modulus projection in (3): 2PO − ψ.
template <class T>
PTYCHOFLOW_HOST_DEVICE Complex<T> reflected_wave(Complex<T> p, Complex<T> o, Complex<T> psi) {
  const Complex<T> po = p * o;
  return po + po - psi;
}

/// How far the modulus projection pulls: 0 replaces the magnitudes whole, as (4) does; 1 leaves them as they are.
/// Beyond the paper: a frame whose mean squared deviation e from the data exceeds the bound b is pulled until e = b.
PTYCHOFLOW_HOST_DEVICE double slack(double mean_square_deviation, double bound) {
  if (mean_square_deviation <= bound) return 1;
  return __builtin_sqrt(bound / mean_square_deviation);
}

/// The factor of (4) for one pixel, all modes alike: measured over model. 1 where nothing was measured (measured < 0)
/// or nothing was computed (model = 0).
template <class T>
PTYCHOFLOW_HOST_DEVICE T modulus_factor(T model, T measured) {
  return (measured >= 0 && model > 0) ? measured / model : T(1);
}

/// F⁻¹F_c of a wave when F_c pulls with `slack`: targets `measured + (model − measured)·slack` lie between what the
/// wave has and what (4) gives it, and so do the waves themselves. `replaced`: F⁻¹F_c with (4) as it stands.
template <class T>
PTYCHOFLOW_HOST_DEVICE Complex<T> projected_wave(Complex<T> wave, Complex<T> replaced, T slack) {
  return replaced + slack * (wave - replaced);
}

/// What (3) adds to ψ: β(F⁻¹F_c[2PO − ψ] − PO), given the projected wave.
template <class T>
PTYCHOFLOW_HOST_DEVICE Complex<T> exit_wave_step(Complex<T> projected, Complex<T> p, Complex<T> o, T beta) {
  return beta * (projected - p * o);
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
