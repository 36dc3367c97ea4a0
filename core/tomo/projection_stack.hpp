// Projections of one series, each from a scan of its own, on one grid.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/base/view.hpp"
#include "core/device/array.hpp"
#include "core/tomo/shift_image.hpp"

namespace ptychoflow::tomo {

/// What one scan contributes. Views are empty where a scan has no such image; all that are there have one size.
struct Projection {
  std::string scan;  ///< its name, for messages
  double rotation_deg = 0;
  std::array<double, 2> pixel_size_m{};  ///< y, x
  std::array<double, 2> origin_m{};      ///< scan coordinate y, x of pixel [0][0]
  View<const float, 2> phase;            ///< [y][x], rad
  View<const float, 2> weight;           ///< [y][x]; 0 where the phase is not known
  View<const float, 2> absorption;       ///< [y][x], −ln of the amplitude
};

struct ProjectionStack {
  device::Array<float, 3> phase;       ///< [angle][y][x], rad
  device::Array<float, 3> absorption;  ///< the same; empty unless all projections have it
  /// By how much each would have to be moved from its whole-pixel place to its true one; at most half a pixel.
  std::vector<Shift> remainder;
};

/// Checks that projections make a series.
/// @throws Error (data) for fewer than three of them, pixel sizes that differ by more than 1e-6 of themselves, an angle
/// that comes twice (modulo 360°, to 1e-6°), angles in radians, or values that are not finite: with the scans' names
void check_series(const std::vector<Projection>& projections);

/// Puts projections in their places on the first one's pixels, to the nearest whole one, and cuts out the largest
/// rectangle where all of them are known. Weights of 0 amid known pixels, as where an object is black, do not count:
/// those that reach an edge do.
/// @throws Error (data) if that rectangle is narrower than 16 px
ProjectionStack stack_projections(const std::vector<Projection>& projections);

}  // namespace ptychoflow::tomo
