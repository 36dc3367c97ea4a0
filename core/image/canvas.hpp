// A picture in memory: 8-bit RGB with rectangles and smooth lines.
#pragma once

#include <span>
#include <vector>

#include "core/image/colour.hpp"

namespace ptychoflow::image {

/// Place on a canvas in pixels: x to the right, y down; pixel (i, j) covers [i, i+1) × [j, j+1).
struct Point {
  double x = 0, y = 0;
};

using Polyline = std::vector<Point>;

/// RGB picture, row by row from the top. Whatever is drawn outside of it is cut off.
class Canvas {
 public:
  /// @throws Error (other) if a side is not positive
  Canvas(int width, int height, Rgb fill = white);

  int width() const { return width_; }
  int height() const { return height_; }
  const Rgb* data() const { return pixels_.data(); }

  Rgb& at(int x, int y) { return pixels_[static_cast<std::size_t>(y) * width_ + x]; }
  Rgb at(int x, int y) const { return pixels_[static_cast<std::size_t>(y) * width_ + x]; }

  void fill_rectangle(int x, int y, int width, int height, Rgb colour);

  /// A one-pixel frame around the rectangle, outside of it.
  void frame_rectangle(int x, int y, int width, int height, Rgb colour);

  /// Copies `source` with its top left corner at (x, y).
  void blit(const Canvas& source, int x, int y);

  /// Draws all lines as one antialiased shape with round ends and joints; a line of one point is a dot. Where they
  /// cross nothing is painted twice. `opacity` in [0, 1].
  void stroke(std::span<const Polyline> lines, double width_px, Rgb colour, double opacity = 1);

 private:
  int width_, height_;
  std::vector<Rgb> pixels_;
};

}  // namespace ptychoflow::image
