// Parts that the pictures of object and probe share.
#pragma once

#include <array>
#include <string>

#include "core/image/canvas.hpp"
#include "core/image/field.hpp"
#include "core/image/scale.hpp"
#include "core/image/text.hpp"

namespace ptychoflow::image {

inline constexpr int margin_px = 26;
inline constexpr double title_cap_px = 16, label_cap_px = 13, note_cap_px = 11;
inline constexpr Rgb ink{25, 25, 28};
inline constexpr Rgb faint_ink{95, 95, 102};
inline constexpr Rgb no_data{206, 218, 232};

/// How many screen pixels a data pixel gets: `bin` data pixels make one, or one makes `zoom_y` × `zoom_x`.
struct Magnification {
  int bin = 1;
  double zoom_y = 1, zoom_x = 1;
};

/// A whole factor that brings the longer side of `height` × `width` near `wanted_px` from below; pixels that are not
/// square are stretched to the true shape.
Magnification magnification(Index height, Index width, const std::array<double, 2>& pixel_size_m, int wanted_px);

/// Title and, below it, a fainter note; returns the first free row.
int draw_heading(Canvas& canvas, const std::string& title, const std::string& note);

/// Width that the heading needs.
int heading_width(const std::string& title, const std::string& note);

/// A scale bar with its length, in the lower left corner of the picture at (x, y), on a dark plate.
void draw_scale_bar(Canvas& canvas, int x, int y, int width, int height, double screen_pixel_m);

}  // namespace ptychoflow::image
