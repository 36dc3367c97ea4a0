// Text without fonts: a small stroke alphabet of our own.
#pragma once

#include <string_view>

#include "core/image/canvas.hpp"

namespace ptychoflow::image {

enum class Align { left, centre, right };
enum class Direction { rightwards, upwards };

struct TextStyle {
  double cap_height_px = 12;  ///< height of a capital letter
  Rgb colour = black;
  Align align = Align::left;
  Direction direction = Direction::rightwards;
};

/// Draws UTF-8 `text` with its baseline at `at`. ASCII, µ β δ ε π ² · × ° − – are known; others become a box.
/// Part of a text from '^' to the next space or the end is raised and smaller: "10^−3".
void draw_text(Canvas& canvas, Point at, std::string_view text, const TextStyle& style = {});

/// Width in pixels that `draw_text` needs.
double text_width(std::string_view text, double cap_height_px);

}  // namespace ptychoflow::image
