// Rays of a parallel-beam series, and where they meet the pixels of a slice.
#pragma once

#include <vector>

#include "core/base/macros.hpp"
#include "core/base/view.hpp"

namespace ptychoflow::tomo {

/// Angles and rotation axis of a parallel-beam series. At angle θ, pixel x of a projection sees the line
/// u cos θ + v sin θ = x − axis_px; pixel (iy, ix) of a slice is at u = ix − (nx − 1)/2, v = iy − (ny − 1)/2.
struct ParallelBeam {
  std::vector<double> angle_rad;
  double axis_px = 0;  ///< x of the rotation axis in a projection, pixel centres at whole numbers
};

/// A series, and the slices that are made of it.
struct SliceGeometry {
  ParallelBeam beam;
  Index width = 0;  ///< pixels of a projection's row
  Index side = 0;   ///< pixels of a slice, which is square

  Index angles() const { return static_cast<Index>(beam.angle_rad.size()); }
};

/// Zeros around rows and slices, before the first and after the last pixel: interpolation there needs no exception.
inline constexpr Index zeros_before = 1, zeros_around = 3;

/// Where one angle's rays are from the pixels' point of view. Pixel (ix, iy) is seen at `first + ix · step_x + iy ·
/// step_y` of the row with its zeros.
struct PixelPlaces {
  double first, step_x, step_y;

  /// A ray adds up lines that it crosses at this distance from each other, in pixels.
  double path;
};

/// Where one angle's rays cross the slice's lines: its rows, or its columns where the beam is nearer to them. Ray x
/// crosses line l at `first + x · per_ray + l · per_line` of the line with its zeros.
struct LineCrossings {
  bool rows;  ///< it is rows that are crossed
  double first, per_ray, per_line;
  double path;  ///< as above
};

/// What a ray says of a pixel `distance` away, in pixels of the row, and the pixel of the ray: `path` times a share
/// that falls to nothing within 1/path.
PTYCHOFLOW_HOST_DEVICE float falling(float path, float distance) {
  const float share = 1 - path * distance;
  return share > 0 ? path * share : 0;
}

/// For each angle.
std::vector<PixelPlaces> pixel_places(const SliceGeometry& geometry);
std::vector<LineCrossings> line_crossings(const SliceGeometry& geometry);

}  // namespace ptychoflow::tomo
