// From real maps to coloured panels, and the bar that says what the colours mean.
#pragma once

#include <string>

#include "core/image/panel.hpp"

namespace ptychoflow::image {

/// Which colour a value gets, and what the values are.
struct Shading {
  ColourMap colours = ColourMap::gray;
  Range range;
  std::string label;
};

/// `map`, which is binned already, at its size on the screen; NaN gets the colour of no data.
Canvas painted(const Map& map, const Magnification& m, const Shading& shading);

inline constexpr int colour_bar_width_px = 22 + 92;  ///< with its numbers and label

/// Draws the colour bar with its left edge at x.
void draw_colour_bar(Canvas& canvas, int x, int y, int height, const Shading& shading);

}  // namespace ptychoflow::image
