#include <fmt/format.h>
#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"
#include "core/image/panel.hpp"
#include "core/image/pictures.hpp"

namespace ptychoflow::image {
namespace {

constexpr int plot_width_px = 780, legend_px = 190, axis_px = 84;
constexpr Rgb grid{226, 226, 230};

enum class Scale { linear, logarithmic };

/// A plot's rectangle on the page with its two axes.
struct Plot {
  int x, y, width, height;
  Range across, up;  ///< of the axes; `up` in log10 if the scale is logarithmic
  Scale scale;

  Point place(double iteration, double value) const {
    const double v = scale == Scale::logarithmic ? std::log10(value) : value;
    return {x + width * across.fraction(iteration), y + height * (1 - up.fraction(v))};
  }
  bool shows(double value) const { return std::isfinite(value) && (scale == Scale::linear || value > 0); }
};

/// Range of all values that can be shown, with some air.
Range range_of(const std::vector<const std::vector<double>*>& curves, Scale scale) {
  double low = INFINITY, high = -INFINITY;
  for (const auto* values : curves) {
    for (double v : *values) {
      if (!std::isfinite(v) || (scale == Scale::logarithmic && v <= 0)) continue;
      const double shown = scale == Scale::logarithmic ? std::log10(v) : v;
      low = std::min(low, shown);
      high = std::max(high, shown);
    }
  }
  if (!(low <= high)) return {0, 1};
  if (scale == Scale::logarithmic)
    return {std::floor(low - 0.02), std::max(std::ceil(high + 0.02), std::floor(low) + 1)};
  const double air = std::max(0.06 * (high - low), 1e-3 * std::max(std::abs(high), 1e-6));
  return {low - air, high + air};
}

void draw_axes(Canvas& page, const Plot& plot, const std::string& up_label, const std::string& across_label) {
  const TextStyle number{.cap_height_px = note_cap_px, .colour = ink, .align = Align::right};
  const std::vector<Tick> up = plot.scale == Scale::linear
                                   ? linear_ticks(plot.up, 6)
                                   : decade_ticks({std::pow(10, plot.up.low), std::pow(10, plot.up.high)}, 7);
  for (const Tick& tick : up) {
    const int y = std::min(static_cast<int>(plot.place(plot.across.low, tick.value).y), plot.y + plot.height - 1);
    page.fill_rectangle(plot.x, y, plot.width, 1, grid);
    page.fill_rectangle(plot.x - 6, y, 6, 1, ink);
    draw_text(page, {plot.x - 11.0, y + note_cap_px / 2 + 0.5}, tick.label, number);
  }
  for (double decade = plot.up.low; plot.scale == Scale::logarithmic && decade < plot.up.high; ++decade) {
    for (int k = 2; k < 10; ++k) {
      const Point p = plot.place(plot.across.low, k * std::pow(10, decade));
      page.fill_rectangle(plot.x - 3, static_cast<int>(p.y), 3, 1, ink);
    }
  }
  for (const Tick& tick : linear_ticks(plot.across, 8)) {
    const int x =
        std::min(static_cast<int>(plot.x + plot.width * plot.across.fraction(tick.value)), plot.x + plot.width - 1);
    page.fill_rectangle(x, plot.y, 1, plot.height, grid);
    page.fill_rectangle(x, plot.y + plot.height, 1, 6, ink);
    if (!across_label.empty()) {
      draw_text(page, {x + 0.5, plot.y + plot.height + 11 + note_cap_px + 0.5}, tick.label,
                {.cap_height_px = note_cap_px, .colour = ink, .align = Align::centre});
    }
  }
  page.frame_rectangle(plot.x, plot.y, plot.width, plot.height, ink);
  draw_text(page, {plot.x + plot.width / 2.0, plot.y + plot.height + 11 + note_cap_px + 12 + label_cap_px + 0.5},
            across_label, {.cap_height_px = label_cap_px, .colour = ink, .align = Align::centre});
  draw_text(page, {margin_px + label_cap_px + 0.5, plot.y + plot.height / 2.0}, up_label,
            {.cap_height_px = label_cap_px, .colour = ink, .align = Align::centre, .direction = Direction::upwards});
}

void draw_curve(Canvas& page, const Plot& plot, const std::vector<double>& iteration, const std::vector<double>& values,
                Rgb colour) {
  std::vector<Polyline> lines(1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (plot.shows(values[i])) {
      lines.back().push_back(plot.place(iteration[i], values[i]));
    } else if (!lines.back().empty()) {
      lines.emplace_back();
    }
  }
  page.stroke(lines, 2.2, colour);
}

/// Warm colours for the object, cool ones for the probe; further modes are lighter.
Rgb curve_colour(bool warm, std::size_t mode, std::size_t modes) {
  const double t = modes > 1 ? static_cast<double>(mode) / static_cast<double>(modes - 1) : 0;
  return warm ? oklch(0.55 + 0.22 * t, 0.17 - 0.05 * t, 0.65) : oklch(0.48 + 0.32 * t, 0.13 - 0.04 * t, 4.4 - 0.9 * t);
}

}  // namespace

Canvas convergence_picture(const ConvergenceScene& scene) {
  const std::size_t count = scene.iteration.size();
  struct Drawn {
    std::string label;
    const std::vector<double>* values;
    Rgb colour;
  };
  std::vector<Drawn> changes;
  for (const auto* group : {&scene.object_change, &scene.probe_change}) {
    for (std::size_t k = 0; k < group->size(); ++k) {
      changes.push_back(
          {(*group)[k].label, &(*group)[k].values, curve_colour(group == &scene.object_change, k, group->size())});
    }
  }
  std::vector<const std::vector<double>*> values;
  for (const Drawn& d : changes) {
    expect(d.values->size() == count, "a convergence curve of another length than the iterations");
    values.push_back(d.values);
  }
  expect(count > 0 && scene.fourier_error.size() == count, "a convergence picture needs iterations and their R");

  Canvas page(2 * margin_px + axis_px + plot_width_px + legend_px, 800);
  const double final_r = scene.fourier_error.back();
  const int top = draw_heading(page, scene.title,
                               fmt::format("{:.0f} iterations, R {:.4f} at the end", scene.iteration.back(), final_r));
  const Range across{std::min(scene.iteration.front(), 0.0), std::max(scene.iteration.back(), 1.0)};
  const int x = margin_px + axis_px, legend_x = x + plot_width_px + 22;
  const Plot above{x, top + 4, plot_width_px, 370, across, range_of(values, Scale::logarithmic), Scale::logarithmic};
  draw_axes(page, above, "change ε per iteration", "");
  for (std::size_t k = 0; k < changes.size(); ++k) {
    draw_curve(page, above, scene.iteration, *changes[k].values, changes[k].colour);
    const double y = above.y + 14 + 24.0 * static_cast<double>(k);
    page.stroke(std::vector<Polyline>{{{legend_x + 1.0, y}, {legend_x + 25.0, y}}}, 2.6, changes[k].colour);
    draw_text(page, {legend_x + 36.0, std::floor(y + note_cap_px / 2) + 0.5}, changes[k].label,
              {.cap_height_px = note_cap_px, .colour = ink});
  }
  const Plot below{x,
                   above.y + above.height + 26,
                   plot_width_px,
                   230,
                   across,
                   range_of({&scene.fourier_error}, Scale::linear),
                   Scale::linear};
  draw_axes(page, below, "Fourier error R", "iteration");
  draw_curve(page, below, scene.iteration, scene.fourier_error, ink);
  return page;
}

}  // namespace ptychoflow::image
