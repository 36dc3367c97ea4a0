#include "core/image/shading.hpp"

#include <algorithm>
#include <cmath>

namespace ptychoflow::image {

Canvas painted(const Map& map, const Magnification& m, const Shading& shading) {
  Canvas picture(static_cast<int>(std::lround(static_cast<double>(map.width) * m.zoom_x)),
                 static_cast<int>(std::lround(static_cast<double>(map.height) * m.zoom_y)));
  for (int j = 0; j < picture.height(); ++j) {
    const Index y = std::min<Index>(static_cast<Index>(j / m.zoom_y), map.height - 1);
    for (int i = 0; i < picture.width(); ++i) {
      const float v = map.at(y, std::min<Index>(static_cast<Index>(i / m.zoom_x), map.width - 1));
      picture.at(i, j) = std::isfinite(v) ? map_colour(shading.colours, shading.range.fraction(v)) : no_data;
    }
  }
  return picture;
}

void draw_colour_bar(Canvas& canvas, int x, int y, int height, const Shading& shading) {
  constexpr int width = 22;
  for (int j = 0; j < height; ++j) {
    canvas.fill_rectangle(x, y + j, width, 1, map_colour(shading.colours, 1 - (j + 0.5) / height));
  }
  canvas.frame_rectangle(x, y, width, height, ink);
  double widest = 0;
  for (const Tick& tick : linear_ticks(shading.range, std::clamp(height / 70, 2, 9))) {
    const double at = y + height * (1 - shading.range.fraction(tick.value));
    canvas.fill_rectangle(x + width + 1, static_cast<int>(std::min(at, y + height - 1.0)), 5, 1, ink);
    draw_text(canvas, {x + width + 11.0, std::floor(at + label_cap_px / 2) + 0.5}, tick.label,
              {.cap_height_px = label_cap_px, .colour = ink});
    widest = std::max(widest, text_width(tick.label, label_cap_px));
  }
  draw_text(canvas, {std::floor(x + width + 11 + widest + 12 + label_cap_px) + 0.5, y + height / 2.0}, shading.label,
            {.cap_height_px = label_cap_px, .colour = ink, .align = Align::centre, .direction = Direction::upwards});
}

}  // namespace ptychoflow::image
