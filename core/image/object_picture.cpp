#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/image/panel.hpp"
#include "core/image/pictures.hpp"

namespace ptychoflow::image {
namespace {

constexpr int picture_px = 960;
constexpr double left_out = 0.005;

struct Shading {
  ColourMap colours = ColourMap::gray;
  Range range;
  std::string label;
};

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

/// Draws the colour bar with its left edge at x; its numbers and label reach about 114 pixels to the right.
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

Canvas composed(const ObjectScene& scene, const Map& map, const Magnification& m, const Shading& shading,
                const std::string& what) {
  std::string note = fmt::format("{}{}{} · pixel {}", scene.mode, scene.mode.empty() ? "" : " · ", what,
                                 scene.pixel_size_m[0] == scene.pixel_size_m[1]
                                     ? length_text(scene.pixel_size_m[0])
                                     : length_text(scene.pixel_size_m[0]) + " × " + length_text(scene.pixel_size_m[1]));
  if (m.bin > 1) note += fmt::format(", {0} × {0} averaged", m.bin);
  const Canvas picture = painted(map, m, shading);
  constexpr int gap = 18, colour_bar = 22 + 92;
  const int body_width = std::max(picture.width() + gap + colour_bar, heading_width(scene.title, note));
  Canvas page(body_width + 2 * margin_px, picture.height() + 2 * margin_px + 54);
  const int x = margin_px, y = draw_heading(page, scene.title, note);
  page.blit(picture, x, y);
  page.frame_rectangle(x, y, picture.width(), picture.height(), ink);
  draw_scale_bar(page, x, y, picture.width(), picture.height(), scene.pixel_size_m[1] * m.bin / m.zoom_x);
  draw_colour_bar(page, x + picture.width() + gap, y, picture.height(), shading);
  return page;
}

/// What both pictures begin with.
struct Prepared {
  LitArea lit;
  Magnification magnification;
};

Prepared prepared(const ObjectScene& scene) {
  expect(scene.object.extents() == scene.coverage.extents(), "object and coverage of different shapes");
  LitArea lit = lit_area(scene.coverage);
  const Magnification m = magnification(lit.box.height, lit.box.width, scene.pixel_size_m, picture_px);
  return {std::move(lit), m};
}

}  // namespace

Canvas object_phase_picture(const ObjectScene& scene) {
  const auto [lit, m] = prepared(scene);
  const PhasePlane plane = fit_phase_plane(scene.object, scene.coverage, lit);
  const Map map = phase_map(scene.object, lit, plane, m.bin);
  Shading shading{ColourMap::gray, robust_range(map.values, left_out), "phase (rad)"};
  // A gray scale would show every wrap as an edge.
  if (shading.range.width() > 0.9 * 2 * pi) shading = {ColourMap::cyclic, {-pi, pi}, "phase, wrapped (rad)"};
  return composed(scene, map, m, shading, "phase, constant and linear ramp removed");
}

Canvas object_amplitude_picture(const ObjectScene& scene) {
  const auto [lit, m] = prepared(scene);
  const Map map = amplitude_map(scene.object, lit, m.bin);
  const Shading shading{ColourMap::gray, robust_range(map.values, left_out), "amplitude"};
  return composed(scene, map, m, shading, "amplitude");
}

}  // namespace ptychoflow::image
