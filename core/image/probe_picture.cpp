#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/image/panel.hpp"
#include "core/image/pictures.hpp"

namespace ptychoflow::image {
namespace {

constexpr int wheel_px = 92, gap_px = 16;

Complex<float> binned(View<const Complex<float>, 2> mode, Index y, Index x, int bin) {
  Complex<float> sum{};
  Index count = 0;
  for (Index j = y * bin; j < std::min(mode.extent(0), (y + 1) * bin); ++j) {
    for (Index i = x * bin; i < std::min(mode.extent(1), (x + 1) * bin); ++i, ++count) sum += mode(j, i);
  }
  return sum / static_cast<float>(count);
}

Canvas painted(View<const Complex<float>, 2> mode, const Magnification& m) {
  const Index height = (mode.extent(0) + m.bin - 1) / m.bin, width = (mode.extent(1) + m.bin - 1) / m.bin;
  float brightest = 0;
  for (Index y = 0; y < height; ++y) {
    for (Index x = 0; x < width; ++x) brightest = std::max(brightest, abs(binned(mode, y, x, m.bin)));
  }
  Canvas picture(static_cast<int>(std::lround(static_cast<double>(width) * m.zoom_x)),
                 static_cast<int>(std::lround(static_cast<double>(height) * m.zoom_y)), black);
  if (!(brightest > 0)) return picture;
  for (int j = 0; j < picture.height(); ++j) {
    for (int i = 0; i < picture.width(); ++i) {
      const Complex<float> v = binned(mode, std::min(static_cast<Index>(j / m.zoom_y), height - 1),
                                      std::min(static_cast<Index>(i / m.zoom_x), width - 1), m.bin);
      picture.at(i, j) = complex_colour(arg(v), abs(v) / brightest);
    }
  }
  return picture;
}

/// The legend: hue around, lightness outwards, zero phase to the right.
void draw_wheel(Canvas& canvas, int x, int y) {
  const double radius = wheel_px / 2.0, cx = x + radius, cy = y + radius;
  for (int j = 0; j < wheel_px; ++j) {
    for (int i = 0; i < wheel_px; ++i) {
      const double right = i + 0.5 - radius, up = radius - j - 0.5, r = std::hypot(right, up);
      const double inside = std::clamp(radius - r, 0.0, 1.0);
      if (inside <= 0) continue;
      const Rgb c = complex_colour(std::atan2(up, right), r / radius);
      const auto over = [&](std::uint8_t v) { return static_cast<std::uint8_t>(255 + inside * (v - 255)); };
      canvas.at(x + i, y + j) = {over(c.r), over(c.g), over(c.b)};
    }
  }
  const double middle = note_cap_px / 2, off = radius + 7;
  const TextStyle centred{.cap_height_px = note_cap_px, .colour = ink, .align = Align::centre};
  draw_text(canvas, {cx + off, cy + middle}, "0", {.cap_height_px = note_cap_px, .colour = ink});
  draw_text(canvas, {cx - off, cy + middle}, "π", {.cap_height_px = note_cap_px, .colour = ink, .align = Align::right});
  draw_text(canvas, {cx, cy - off}, "π/2", centred);
  draw_text(canvas, {cx, cy + off + note_cap_px}, "−π/2", centred);
}

}  // namespace

Canvas probe_picture(const ProbeScene& scene) {
  const Index modes = scene.probe.extent(0);
  expect(modes > 0 && (scene.occupancy.empty() || static_cast<Index>(scene.occupancy.size()) == modes),
         "a probe picture needs modes and one occupancy a mode");
  const Index columns = std::min<Index>(modes, 4), rows = (modes + columns - 1) / columns;
  const int wanted_px = static_cast<int>(std::min<Index>(520, 1300 / columns));
  const Magnification m = magnification(scene.probe.extent(1), scene.probe.extent(2), scene.pixel_size_m, wanted_px);
  std::vector<Canvas> panels;
  for (Index k = 0; k < modes; ++k) panels.push_back(painted(scene.probe[k], m));

  const std::string note = fmt::format("hue: phase, lightness: magnitude, each mode to its own maximum · pixel {}",
                                       length_text(scene.pixel_size_m[1]));
  constexpr int caption = 26, legend = wheel_px + 76;
  const int panel_width = panels[0].width(), panel_height = panels[0].height();
  const int step_x = panel_width + gap_px, step_y = panel_height + caption + gap_px;
  const int body_width = std::max(static_cast<int>(columns) * step_x + legend, heading_width(scene.title, note));
  const int body_height = std::max(static_cast<int>(rows) * step_y, wheel_px + 60);
  Canvas page(body_width + 2 * margin_px, body_height + 2 * margin_px + 54 - gap_px);
  const int top = draw_heading(page, scene.title, note);
  for (Index k = 0; k < modes; ++k) {
    const int x = margin_px + static_cast<int>(k % columns) * step_x;
    const int y = top + static_cast<int>(k / columns) * step_y;
    const auto place = static_cast<std::size_t>(k);
    const std::string name = scene.occupancy.empty()
                                 ? fmt::format("mode {}", k + 1)
                                 : fmt::format("mode {}: {:.1f} %", k + 1, 100 * scene.occupancy[place]);
    draw_text(page, {x + 0.5, y + label_cap_px + 0.5}, name, {.cap_height_px = label_cap_px, .colour = ink});
    page.blit(panels[place], x, y + caption);
    page.frame_rectangle(x, y + caption, panel_width, panel_height, ink);
  }
  draw_scale_bar(page, margin_px, top + caption, panel_width, panel_height, scene.pixel_size_m[1] * m.bin / m.zoom_x);
  draw_wheel(page, margin_px + static_cast<int>(columns) * step_x + 34, top + caption + 26);
  return page;
}

}  // namespace ptychoflow::image
