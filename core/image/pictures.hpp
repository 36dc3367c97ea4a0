// The four pictures of a reconstruction: object phase, object amplitude, probe modes, convergence.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "core/base/complex.hpp"
#include "core/base/view.hpp"
#include "core/image/canvas.hpp"

namespace ptychoflow::image {

/// One object mode to be drawn.
struct ObjectScene {
  View<const Complex<float>, 2> object;  ///< [y][x]
  View<const float, 2> coverage;         ///< [y][x], light that each pixel got, in any unit; decides what is shown
  std::array<double, 2> pixel_size_m{};  ///< y, x
  std::string title;
  std::string mode;  ///< "mode 1 of 2", or empty
};

/// Phase in the well-lit area, constant and linear ramp taken away; gray from its 0.5 % to its 99.5 % quantile, or the
/// cyclic colours where it fills the whole circle. @throws Error (other) if shapes differ or the pixel size is not
/// positive
Canvas object_phase_picture(const ObjectScene& scene);

/// Amplitude in the well-lit area, gray from its 0.5 % to its 99.5 % quantile. @throws as object_phase_picture
Canvas object_amplitude_picture(const ObjectScene& scene);

struct ProbeScene {
  View<const Complex<float>, 3> probe;   ///< [mode][y][x]
  std::vector<double> occupancy;         ///< [mode] share of the total intensity, 0…1; may be empty
  std::array<double, 2> pixel_size_m{};  ///< y, x
  std::string title;
};

/// Modes side by side, phase as hue, magnitude as lightness, each mode relative to its own maximum.
/// @throws as object_phase_picture
Canvas probe_picture(const ProbeScene& scene);

struct Curve {
  std::string label;
  std::vector<double> values;  ///< one an iteration; those not finite are left out
};

struct ConvergenceScene {
  std::vector<double> iteration;
  std::vector<Curve> object_change, probe_change;  ///< ε of eq. (7), one curve a mode; on a logarithmic axis
  std::vector<double> fourier_error;               ///< R
  std::string title;
};

/// ε above, R below, both against the iteration. @throws Error (other) if a curve's length differs from `iteration`'s
Canvas convergence_picture(const ConvergenceScene& scene);

}  // namespace ptychoflow::image
