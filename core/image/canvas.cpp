#include "core/image/canvas.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"

namespace ptychoflow::image {
namespace {

double distance_to_segment(Point p, Point a, Point b) {
  const double dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
  const double t = length2 > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length2, 0.0, 1.0) : 0.0;
  return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

std::uint8_t mixed(std::uint8_t under, std::uint8_t over, double share) {
  return static_cast<std::uint8_t>(std::lround(under + share * (over - under)));
}

/// Pixels [x0, x1) × [y0, y1).
struct Area {
  int x0, y0, x1, y1;
  int width() const { return x1 - x0; }
  bool empty() const { return x1 <= x0 || y1 <= y0; }
};

Area reach_of(std::span<const Point> points, double reach, const Area& limits) {
  Point low = points.front(), high = low;
  for (const Point& p : points) {
    low = {std::min(low.x, p.x), std::min(low.y, p.y)};
    high = {std::max(high.x, p.x), std::max(high.y, p.y)};
  }
  const auto clamped = [](double v, int from, int to) { return static_cast<int>(std::clamp<double>(v, from, to)); };
  return {clamped(std::floor(low.x - reach), limits.x0, limits.x1),
          clamped(std::floor(low.y - reach), limits.y0, limits.y1),
          clamped(std::ceil(high.x + reach), limits.x0, limits.x1),
          clamped(std::ceil(high.y + reach), limits.y0, limits.y1)};
}

}  // namespace

Canvas::Canvas(int width, int height, Rgb fill) : width_(width), height_(height) {
  expect(width > 0 && height > 0, "a picture without pixels");
  pixels_.assign(static_cast<std::size_t>(width) * height, fill);
}

void Canvas::fill_rectangle(int x, int y, int width, int height, Rgb colour) {
  for (int j = std::max(y, 0); j < std::min(y + height, height_); ++j) {
    for (int i = std::max(x, 0); i < std::min(x + width, width_); ++i) at(i, j) = colour;
  }
}

void Canvas::frame_rectangle(int x, int y, int width, int height, Rgb colour) {
  fill_rectangle(x - 1, y - 1, width + 2, 1, colour);
  fill_rectangle(x - 1, y + height, width + 2, 1, colour);
  fill_rectangle(x - 1, y, 1, height, colour);
  fill_rectangle(x + width, y, 1, height, colour);
}

void Canvas::blit(const Canvas& source, int x, int y) {
  for (int j = std::max(0, -y); j < std::min(source.height(), height_ - y); ++j) {
    for (int i = std::max(0, -x); i < std::min(source.width(), width_ - x); ++i) at(x + i, y + j) = source.at(i, j);
  }
}

void Canvas::stroke(std::span<const Polyline> lines, double width_px, Rgb colour, double opacity) {
  const double half = width_px / 2, reach = half + 1;
  Polyline all;
  for (const Polyline& line : lines) all.insert(all.end(), line.begin(), line.end());
  if (all.empty()) return;
  const Area area = reach_of(all, reach, {0, 0, width_, height_});
  if (area.empty()) return;

  // How much of each pixel the shape covers: the nearest segment decides.
  std::vector<float> cover(static_cast<std::size_t>(area.width()) * (area.y1 - area.y0), 0.0f);
  const auto add_segment = [&](Point a, Point b) {
    const Point ends[] = {a, b};
    const Area near = reach_of(ends, reach, area);
    for (int y = near.y0; y < near.y1; ++y) {
      for (int x = near.x0; x < near.x1; ++x) {
        const double c = std::clamp(half + 0.5 - distance_to_segment({x + 0.5, y + 0.5}, a, b), 0.0, 1.0);
        float& held = cover[static_cast<std::size_t>(y - area.y0) * area.width() + (x - area.x0)];
        held = std::max(held, static_cast<float>(c));
      }
    }
  };
  for (const Polyline& line : lines) {
    if (line.size() == 1) add_segment(line[0], line[0]);
    for (std::size_t i = 1; i < line.size(); ++i) add_segment(line[i - 1], line[i]);
  }

  std::size_t k = 0;
  for (int y = area.y0; y < area.y1; ++y) {
    for (int x = area.x0; x < area.x1; ++x) {
      const double share = opacity * cover[k++];
      Rgb& under = at(x, y);
      under = {mixed(under.r, colour.r, share), mixed(under.g, colour.g, share), mixed(under.b, colour.b, share)};
    }
  }
}

}  // namespace ptychoflow::image
