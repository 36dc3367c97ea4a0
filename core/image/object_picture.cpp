#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/image/pictures.hpp"
#include "core/image/shading.hpp"

namespace ptychoflow::image {
namespace {

constexpr int picture_px = 960;
constexpr double left_out = 0.005;

Canvas composed(const ObjectScene& scene, const Map& map, const Magnification& m, const Shading& shading,
                const std::string& what) {
  std::string note = fmt::format("{}{}{} · pixel {}", scene.mode, scene.mode.empty() ? "" : " · ", what,
                                 scene.pixel_size_m[0] == scene.pixel_size_m[1]
                                     ? length_text(scene.pixel_size_m[0])
                                     : length_text(scene.pixel_size_m[0]) + " × " + length_text(scene.pixel_size_m[1]));
  if (m.bin > 1) note += fmt::format(", {0} × {0} averaged", m.bin);
  const Canvas picture = painted(map, m, shading);
  constexpr int gap = 18;
  const int body_width = std::max(picture.width() + gap + colour_bar_width_px, heading_width(scene.title, note));
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
