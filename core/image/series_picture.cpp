// Which maps of a series or a volume are shown, and how.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"
#include "core/image/map_picture.hpp"
#include "core/image/scale.hpp"

namespace ptychoflow::image {
namespace {

/// "12.5°", with a true minus sign
std::string angle_text(double deg) {
  const double rounded = std::round(deg * 10) / 10;
  return fmt::format("{}{:g}°", rounded < 0 ? "−" : "", std::abs(rounded));
}

void check(const SeriesScene& scene) {
  expect(!scene.projections.empty() && scene.angle_deg.extent(0) == scene.projections.extent(0),
         "a picture of a series needs projections and one angle a projection");
}

}  // namespace

Canvas montage_picture(const SeriesScene& scene) {
  check(scene);
  const Index all = scene.projections.extent(0), shown = std::min<Index>(all, 12);
  MapScene maps{.panels = {},
                .columns = std::min<Index>(shown, 4),
                .quantity = scene.quantity,
                .unit = scene.unit,
                .title = scene.title,
                .note = fmt::format("{} of {} projections · pixel {}", shown, all, length_text(scene.pixel_size_m[1]))};
  for (Index k = 0; k < shown; ++k) {
    const Index j = k * all / shown;
    maps.panels.push_back({scene.projections[j], angle_text(scene.angle_deg[j]), scene.pixel_size_m});
  }
  return map_picture(maps);
}

Canvas sinogram_picture(const SeriesScene& scene) {
  check(scene);
  const Index angles = scene.projections.extent(0), row = scene.projections.extent(1) / 2;
  const Index width = scene.projections.extent(2);
  std::vector<float> sinogram;
  sinogram.reserve(static_cast<std::size_t>(angles * width));
  for (Index j = 0; j < angles; ++j) {
    const auto line = scene.projections[j][row];
    sinogram.insert(sinogram.end(), line.begin(), line.end());
  }
  // Angles have no length: the picture is made as high as two thirds of its width, but never stretched beyond reason.
  const double shape = std::clamp(2.0 / 3 * static_cast<double>(width) / static_cast<double>(angles), 0.05, 20.0);
  const double pixel_m = scene.pixel_size_m[1];
  return map_picture({.panels = {{View<const float, 2>(sinogram.data(), {angles, width}),
                                  fmt::format("angle downwards, {} to {}", angle_text(scene.angle_deg[0]),
                                              angle_text(scene.angle_deg[angles - 1])),
                                  {pixel_m * shape, pixel_m}}},
                      .columns = 1,
                      .quantity = scene.quantity,
                      .unit = scene.unit,
                      .title = scene.title,
                      .note = fmt::format("sinogram of row {} of {}, {} angles · pixel {}", row,
                                          scene.projections.extent(1), angles, length_text(pixel_m))});
}

Canvas slices_picture(const SlicesScene& scene) {
  const auto& d = scene.voxel_size_m;
  return map_picture(
      {.panels = {{scene.xy, "xy: x to the right, y down", {d[1], d[2]}},
                  {scene.xz, "xz: x to the right, z down", {d[0], d[2]}},
                  {scene.yz, "yz: y to the right, z down", {d[0], d[1]}}},
       .columns = 3,
       .quantity = scene.quantity,
       .unit = scene.unit,
       .title = scene.title,
       .note = fmt::format("slices through the middle of {} × {} × {} voxels (z, y, x) · voxel {}", scene.xz.extent(0),
                           scene.xy.extent(0), scene.xy.extent(1), length_text(d[2]))});
}

}  // namespace ptychoflow::image
