// The ramp and offset that ptychography leaves free in a phase, and the scale it leaves free in an amplitude.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/phase/wrap.hpp"

namespace ptychoflow::phase {

/// offset + per_y·y + per_x·x, at pixel (y, x).
struct Plane {
  double offset_rad = 0;
  double per_y_rad = 0;  ///< a pixel
  double per_x_rad = 0;  ///< a pixel
  double at(Index y, Index x) const {
    return offset_rad + per_y_rad * static_cast<double>(y) + per_x_rad * static_cast<double>(x);
  }
};

/// Rows y0 … y1−1, columns x0 … x1−1.
struct Rectangle {
  Index y0, x0, y1, x1;
};

/// 1 where a pixel is in one of the rectangles, which lie in the map, else 0. [y][x]
device::Array<std::uint8_t, 2> mark(const std::vector<Rectangle>& rectangles, Extents<2> extents);

/// Weighted least-squares plane through the marked pixels with weight.
/// @throws Error (data) if these pixels do not fix a plane: fewer than three, or on a line
Plane fit_plane(MapView phase_rad, MapView weight, View<const std::uint8_t, 2> marked);

/// Plane through the bulk of the phase: least squares, reweighted by Tukey's biweight with a scale from the median
/// absolute deviation (Beaton & Tukey, Technometrics 16, 147 (1974)), so that what stands out does not tilt it.
/// @throws Error (data) if the pixels with weight do not fix a plane
Plane fit_robust_plane(MapView phase_rad, MapView weight);

/// A plane and the pixels that lie in it.
struct Air {
  Plane plane;
  device::Array<std::uint8_t, 2> marked;
};

/// Looks for air: a plane that at least a twentieth of the image lies in, within its noise, and hardly anything above,
/// since matter lowers the phase. Planes through triples of flat tiles are tried (RANSAC: Fischler & Bolles, Commun.
/// ACM 24, 381 (1981)), and the best is fitted again to its pixels.
/// @return nothing where there is no such plane
std::optional<Air> find_air(MapView phase_rad, MapView weight);

void subtract(const Plane& plane, View<float, 2> phase_rad);

/// Median amplitude of the marked pixels with weight; of all with weight if `marked` is empty. 0 if there are none.
double median_amplitude(MapView amplitude, MapView weight, View<const std::uint8_t, 2> marked);

}  // namespace ptychoflow::phase
