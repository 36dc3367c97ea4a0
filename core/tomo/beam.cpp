#include "core/tomo/beam.hpp"

#include <algorithm>
#include <cmath>

namespace ptychoflow::tomo {
namespace {

constexpr double offset = zeros_before;

double centre_of(const SliceGeometry& geometry) { return 0.5 * static_cast<double>(geometry.side - 1); }

}  // namespace

std::vector<PixelPlaces> pixel_places(const SliceGeometry& geometry) {
  const double centre = centre_of(geometry);
  std::vector<PixelPlaces> places;
  for (const double a : geometry.beam.angle_rad) {
    const double c = std::cos(a), s = std::sin(a);
    places.push_back({geometry.beam.axis_px + offset - centre * (c + s), c, s, 1 / std::max(std::abs(c), std::abs(s))});
  }
  return places;
}

std::vector<LineCrossings> line_crossings(const SliceGeometry& geometry) {
  const double centre = centre_of(geometry);
  std::vector<LineCrossings> crossings;
  for (const double a : geometry.beam.angle_rad) {
    const double c = std::cos(a), s = std::sin(a);
    const bool rows = std::abs(c) >= std::abs(s);
    const double along = rows ? c : s, across = rows ? s : c;
    const double per_ray = 1 / along, per_line = -across / along;
    crossings.push_back({rows, offset + centre - geometry.beam.axis_px * per_ray - centre * per_line, per_ray, per_line,
                         std::abs(per_ray)});
  }
  return crossings;
}

}  // namespace ptychoflow::tomo
