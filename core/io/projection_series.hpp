// An aligned series of projections, as the writers for other programs take it.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "core/base/view.hpp"

namespace ptychoflow::io {

/// Views must outlive the call they are given to.
struct ProjectionSeries {
  std::string title{};                       ///< may be empty
  View<const float, 3> phase{};              ///< (angle, y, x) rad, negative in matter
  View<const float, 3> absorption{};         ///< (angle, y, x) −ln of the amplitude; may be empty
  View<const double, 1> angle_deg{};         ///< (angle)
  std::array<double, 2> pixel_size_m{};      ///< y, x
  std::optional<double> rotation_axis_px{};  ///< x of the axis, pixel centres at whole numbers
  double wavelength_m = 0;                   ///< 0: not known
};

/// What the phase means, in words, for a reader of the file.
inline constexpr const char* phase_description =
    "aligned phase of the projections in rad: -2 pi / wavelength times the integral of delta along the beam";
inline constexpr const char* absorption_description =
    "-ln of the amplitude: 2 pi / wavelength times the integral of beta along the beam";
inline constexpr const char* axis_description =
    "x of the rotation axis; pixel centres are whole numbers, the first is 0";

/// @throws Error (other) if shapes do not belong together
void check_series(const ProjectionSeries& series);

}  // namespace ptychoflow::io
