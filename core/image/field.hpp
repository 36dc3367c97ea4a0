// From a reconstructed object to a map that is worth looking at: where it is lit, without its arbitrary phase.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/complex.hpp"
#include "core/base/view.hpp"

namespace ptychoflow::image {

/// Pixels [y, y+height) × [x, x+width).
struct Box {
  Index y = 0, x = 0, height = 0, width = 0;
  friend constexpr bool operator==(Box, Box) = default;
};

/// Which pixels of an object got enough light to be shown.
struct LitArea {
  Box box;                         ///< around all lit pixels; the whole array if nothing is lit
  Index width = 0;                 ///< of the whole array
  std::vector<std::uint8_t> mask;  ///< [y][x] of the whole array, 1 where lit

  bool at(Index y, Index x) const { return mask[static_cast<std::size_t>(y * width + x)] != 0; }
};

/// The pixels with at least `threshold` times the light of the most lit one. `coverage` ([y][x]) is smoothed over about
/// a hundredth of the picture first, so that the rim is a line and not a fringe.
LitArea lit_area(View<const float, 2> coverage, float threshold = 0.08f);

/// The plane phase(y, x) = offset_rad + slope_y_rad·y + slope_x_rad·x, in radians and pixels of the whole array.
struct PhasePlane {
  double offset_rad = 0, slope_y_rad = 0, slope_x_rad = 0;
  double at(Index y, Index x) const {
    return offset_rad + slope_y_rad * static_cast<double>(y) + slope_x_rad * static_cast<double>(x);
  }
};

/// The constant and the linear ramp that ptychography cannot know, from the lit pixels of `object` ([y][x]; `coverage`
/// of the same shape is the weight). The ramp is the one that makes the histogram of phases sharpest, so that neither
/// phase wraps nor a sample with two levels mislead it; the constant is the circular mean.
PhasePlane fit_phase_plane(View<const Complex<float>, 2> object, View<const float, 2> coverage, const LitArea& lit);

/// A real map [y][x]; NaN where there is nothing to show.
struct Map {
  Index height = 0, width = 0;
  std::vector<float> values;

  float at(Index y, Index x) const { return values[static_cast<std::size_t>(y * width + x)]; }
};

/// |object| in the lit box, `bin` × `bin` pixels averaged into one.
Map amplitude_map(View<const Complex<float>, 2> object, const LitArea& lit, int bin);

/// Phase of the object in the lit box, `bin` × `bin` pixels (of the complex values) averaged into one, after `plane`
/// was taken away; radians in (−π, π].
Map phase_map(View<const Complex<float>, 2> object, const LitArea& lit, const PhasePlane& plane, int bin);

}  // namespace ptychoflow::image
