// Physical constants (exact since the 2019 SI) and the few conversions of an X-ray experiment.
#pragma once

namespace ptychoflow {

inline constexpr double planck_J_s = 6.62607015e-34;
inline constexpr double speed_of_light_m_s = 299792458.0;
inline constexpr double elementary_charge_C = 1.602176634e-19;
inline constexpr double pi = 3.14159265358979323846;

inline constexpr double wavelength_m_from_energy_J(double energy_J) {
  return planck_J_s * speed_of_light_m_s / energy_J;
}
inline constexpr double energy_J_from_wavelength_m(double wavelength_m) {
  return planck_J_s * speed_of_light_m_s / wavelength_m;
}
inline constexpr double energy_J_from_keV(double energy_keV) { return energy_keV * 1e3 * elementary_charge_C; }

}  // namespace ptychoflow
