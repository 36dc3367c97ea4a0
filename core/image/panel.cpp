#include "core/image/panel.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"

namespace ptychoflow::image {

Magnification magnification(Index height, Index width, const std::array<double, 2>& pixel_size_m, int wanted_px) {
  expect(height > 0 && width > 0 && pixel_size_m[0] > 0 && pixel_size_m[1] > 0,
         "a picture needs pixels of positive size");
  const double finest_m = std::min(pixel_size_m[0], pixel_size_m[1]);
  const double stretch_y = pixel_size_m[0] / finest_m, stretch_x = pixel_size_m[1] / finest_m;
  const double longest = std::max(static_cast<double>(height) * stretch_y, static_cast<double>(width) * stretch_x);
  Magnification m;
  m.bin = static_cast<int>(std::max(1.0, std::ceil(longest / (1.4 * wanted_px))));
  const double whole = m.bin > 1 ? 1.0 : std::max(1.0, std::floor(wanted_px / longest + 0.1));
  m.zoom_y = whole * stretch_y;
  m.zoom_x = whole * stretch_x;
  return m;
}

int heading_width(const std::string& title, const std::string& note) {
  return static_cast<int>(std::ceil(std::max(text_width(title, title_cap_px), text_width(note, note_cap_px))));
}

int draw_heading(Canvas& canvas, const std::string& title, const std::string& note) {
  double y = margin_px + title_cap_px;
  draw_text(canvas, {margin_px + 0.5, std::floor(y) + 0.5}, title, {.cap_height_px = title_cap_px, .colour = ink});
  y += 2.1 * note_cap_px;
  draw_text(canvas, {margin_px + 0.5, std::floor(y) + 0.5}, note, {.cap_height_px = note_cap_px, .colour = faint_ink});
  return static_cast<int>(y + 1.6 * note_cap_px);
}

void draw_scale_bar(Canvas& canvas, int x, int y, int width, int height, double screen_pixel_m) {
  const ScaleBar bar = scale_bar(width * screen_pixel_m);
  const int length = static_cast<int>(std::lround(bar.length_m / screen_pixel_m));
  const int text = static_cast<int>(std::ceil(text_width(bar.label, label_cap_px)));
  const int inset = 14, pad = 9, bar_height = 5;
  const int plate_width = std::max(length, text) + 2 * pad;
  const int plate_height = bar_height + static_cast<int>(label_cap_px) + 3 * pad - 1;
  const int left = x + inset, top = y + height - inset - plate_height;
  for (int j = std::max(top, 0); j < std::min(top + plate_height, canvas.height()); ++j) {
    for (int i = std::max(left, 0); i < std::min(left + plate_width, canvas.width()); ++i) {
      Rgb& p = canvas.at(i, j);
      p = {static_cast<std::uint8_t>(p.r * 0.3), static_cast<std::uint8_t>(p.g * 0.3),
           static_cast<std::uint8_t>(p.b * 0.3)};
    }
  }
  canvas.fill_rectangle(left + (plate_width - length) / 2, top + plate_height - pad - bar_height, length, bar_height,
                        white);
  draw_text(canvas, {left + plate_width / 2.0, top + pad + label_cap_px - 0.5}, bar.label,
            {.cap_height_px = label_cap_px, .colour = white, .align = Align::centre});
}

}  // namespace ptychoflow::image
