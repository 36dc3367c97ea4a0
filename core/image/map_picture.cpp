#include "core/image/map_picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.hpp"
#include "core/image/shading.hpp"

namespace ptychoflow::image {
namespace {

constexpr double left_out = 0.005;
constexpr int gap_px = 18, caption_px = 26, page_px = 1320, panel_px = 640;
constexpr int least_height_for_bar_px = 60;  // the scale bar and its plate stay inside the panel

/// Means of bin × bin values, multiplied by `factor`; a value that is not finite counts as none.
Map binned(View<const float, 2> values, int bin, double factor) {
  Map map{(values.extent(0) + bin - 1) / bin, (values.extent(1) + bin - 1) / bin, {}};
  map.values.reserve(static_cast<std::size_t>(map.height * map.width));
  for (Index y = 0; y < map.height; ++y) {
    for (Index x = 0; x < map.width; ++x) {
      double sum = 0;
      Index count = 0;
      for (Index j = y * bin; j < std::min(values.extent(0), (y + 1) * bin); ++j) {
        for (Index i = x * bin; i < std::min(values.extent(1), (x + 1) * bin); ++i) {
          if (!std::isfinite(values(j, i))) continue;
          sum += static_cast<double>(values(j, i));
          ++count;
        }
      }
      map.values.push_back(count > 0 ? static_cast<float>(sum * factor / static_cast<double>(count))
                                     : std::numeric_limits<float>::quiet_NaN());
    }
  }
  return map;
}

/// n such that the largest magnitude times 10ⁿ can be read well; 0 where it can be as it is, else a multiple of 3.
int readable_exponent(const std::vector<MapPanel>& panels) {
  double largest = 0;
  for (const MapPanel& panel : panels) {
    for (const float v : panel.values) {
      if (std::isfinite(v)) largest = std::max(largest, std::abs(static_cast<double>(v)));
    }
  }
  if (largest == 0 || (largest >= 0.01 && largest < 1000)) return 0;
  return -3 * static_cast<int>(std::floor(std::log10(largest) / 3));
}

/// "phase (rad)", "δ × 10^6"
std::string scale_label(const MapScene& scene, int exponent) {
  std::string label = scene.quantity;
  if (!scene.unit.empty()) label += " (" + scene.unit + ")";
  if (exponent != 0) label += fmt::format(" × 10^{}{}", exponent < 0 ? "−" : "", std::abs(exponent));
  return label;
}

/// One factor for all: that of the panel that needs the most room.
Magnification common_magnification(const MapScene& scene) {
  const int wanted_px = static_cast<int>(std::min<Index>(panel_px, page_px / scene.columns));
  const auto width_m = [](const MapPanel& p) { return static_cast<double>(p.values.extent(1)) * p.pixel_size_m[1]; };
  const auto height_m = [](const MapPanel& p) { return static_cast<double>(p.values.extent(0)) * p.pixel_size_m[0]; };
  const auto largest =
      std::max_element(scene.panels.begin(), scene.panels.end(), [&](const MapPanel& a, const MapPanel& b) {
        return std::max(width_m(a), height_m(a)) < std::max(width_m(b), height_m(b));
      });
  return magnification(largest->values.extent(0), largest->values.extent(1), largest->pixel_size_m, wanted_px);
}

/// Pixels of other sizes than the first panel's are stretched to the same scale.
Magnification stretched(Magnification m, const MapPanel& panel, double screen_pixel_m) {
  m.zoom_y = panel.pixel_size_m[0] * m.bin / screen_pixel_m;
  m.zoom_x = panel.pixel_size_m[1] * m.bin / screen_pixel_m;
  return m;
}

void check(const MapScene& scene) {
  expect(!scene.panels.empty() && scene.columns > 0, "a picture of maps needs maps");
  for (const MapPanel& p : scene.panels) {
    expect(!p.values.empty() && p.pixel_size_m[0] > 0 && p.pixel_size_m[1] > 0,
           "a picture needs pixels of positive size");
  }
}

struct Prepared {
  std::vector<Canvas> pictures;
  Shading shading;
  double screen_pixel_m = 0;
  int bin = 1;
};

Prepared prepared(const MapScene& scene) {
  const Magnification common = common_magnification(scene);
  const int exponent = readable_exponent(scene.panels);
  double finest_m = std::numeric_limits<double>::max();
  for (const MapPanel& p : scene.panels) finest_m = std::min({finest_m, p.pixel_size_m[0], p.pixel_size_m[1]});
  Prepared all;
  all.bin = common.bin;
  all.screen_pixel_m = finest_m * common.bin / std::min(common.zoom_x, common.zoom_y);
  std::vector<Map> maps;
  std::vector<float> values;
  for (const MapPanel& p : scene.panels) {
    maps.push_back(binned(p.values, common.bin, std::pow(10.0, exponent)));
    values.insert(values.end(), maps.back().values.begin(), maps.back().values.end());
  }
  all.shading = {ColourMap::gray, robust_range(values, left_out), scale_label(scene, exponent)};
  for (std::size_t k = 0; k < maps.size(); ++k) {
    all.pictures.push_back(painted(maps[k], stretched(common, scene.panels[k], all.screen_pixel_m), all.shading));
  }
  return all;
}

}  // namespace

Canvas map_picture(const MapScene& scene) {
  check(scene);
  const Prepared all = prepared(scene);
  const std::string note = all.bin > 1 ? fmt::format("{0}, {1} × {1} averaged", scene.note, all.bin) : scene.note;

  const auto columns =
      static_cast<std::size_t>(std::min<Index>(scene.columns, static_cast<Index>(scene.panels.size())));
  const std::size_t rows = (scene.panels.size() + columns - 1) / columns;
  std::vector<int> column_px(columns, 0), row_px(rows, 0);
  for (std::size_t k = 0; k < scene.panels.size(); ++k) {
    const int caption = static_cast<int>(std::ceil(text_width(scene.panels[k].caption, label_cap_px)));
    column_px[k % columns] = std::max({column_px[k % columns], all.pictures[k].width(), caption});
    row_px[k / columns] = std::max(row_px[k / columns], all.pictures[k].height() + caption_px);
  }
  int width = colour_bar_width_px, height = 0;
  for (const int w : column_px) width += w + gap_px;
  for (const int h : row_px) height += h + gap_px;
  width = std::max(width, heading_width(scene.title, note));
  constexpr int least_bar_px = 120;
  height = std::max(height, caption_px + least_bar_px);

  Canvas page(width + 2 * margin_px, height + 2 * margin_px + 54 - gap_px);
  const int top = draw_heading(page, scene.title, note);
  int x = margin_px, y = top;
  for (std::size_t k = 0; k < scene.panels.size(); ++k) {
    const Canvas& picture = all.pictures[k];
    draw_text(page, {x + 0.5, y + label_cap_px + 0.5}, scene.panels[k].caption,
              {.cap_height_px = label_cap_px, .colour = ink});
    page.blit(picture, x, y + caption_px);
    page.frame_rectangle(x, y + caption_px, picture.width(), picture.height(), ink);
    if (k == 0 && picture.height() >= least_height_for_bar_px) {
      draw_scale_bar(page, x, y + caption_px, picture.width(), picture.height(), all.screen_pixel_m);
    }
    x += column_px[k % columns] + gap_px;
    if ((k + 1) % columns == 0) {
      x = margin_px;
      y += row_px[k / columns] + gap_px;
    }
  }
  int bar_x = margin_px;
  for (const int w : column_px) bar_x += w + gap_px;
  draw_colour_bar(page, bar_x, top + caption_px, std::max(row_px[0] - caption_px, least_bar_px), all.shading);
  return page;
}

}  // namespace ptychoflow::image
