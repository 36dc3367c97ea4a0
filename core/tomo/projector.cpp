#include "core/tomo/projector.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"
#include "core/device/array.hpp"

namespace ptychoflow::tomo {
namespace {

/// The lines of a slice that rays cross, with a pixel of nothing at both ends so that interpolation needs no border.
using Lines = device::Array<float, 2>;

enum class Crossing { rows, columns };

Lines lines_of(Crossing crossing, Index ny, Index nx) {
  return crossing == Crossing::rows ? Lines({ny, nx + 2}) : Lines({nx, ny + 2});
}

Crossing crossing_at(double angle_rad) {
  return std::abs(std::cos(angle_rad)) >= std::abs(std::sin(angle_rad)) ? Crossing::rows : Crossing::columns;
}

/// Where the rays of one angle meet one line: ray x at `first + x · step`, counted from the line's padded start.
struct Meeting {
  double first;
  double step;
  Index ray_first, ray_last;  ///< the rays that meet the line at all, a half-open range
};

/// Rays of one angle through the lines that they cross.
class Rays {
 public:
  Rays(double angle_rad, double axis_px, Crossing crossing, Index lines, Index length) : axis_px_(axis_px) {
    const double c = std::cos(angle_rad), s = std::sin(angle_rad);
    along_ = crossing == Crossing::rows ? c : s;
    across_ = crossing == Crossing::rows ? s : c;
    line_centre_ = 0.5 * static_cast<double>(lines - 1);
    centre_ = 0.5 * static_cast<double>(length - 1);
    end_ = static_cast<double>(length);
  }

  /// Path of a ray from one line to the next, in pixels.
  float path() const { return static_cast<float>(1 / std::abs(along_)); }

  Meeting meet(Index line, Index rays) const {
    const double w = static_cast<double>(line) - line_centre_;
    const double step = 1 / along_;
    const double first = (-axis_px_ - w * across_) * step + centre_ + 1;  // 1: the padding
    // The ray must meet the line in [0, length + 1) of its padded pixels.
    const double at_start = -first / step, at_end = (end_ + 1 - first) / step;
    const auto inside = [&](Index x) {
      const double p = first + static_cast<double>(x) * step;
      return p >= 0 && p < end_ + 1;
    };
    const auto limit = [&](double x) { return static_cast<Index>(std::clamp(x, 0.0, static_cast<double>(rays))); };
    Meeting m{first, step, limit(std::floor(std::min(at_start, at_end)) - 1),
              limit(std::ceil(std::max(at_start, at_end)) + 2)};
    while (m.ray_first < m.ray_last && !inside(m.ray_first)) ++m.ray_first;
    while (m.ray_first < m.ray_last && !inside(m.ray_last - 1)) --m.ray_last;
    return m;
  }

 private:
  double axis_px_, along_, across_, line_centre_, centre_, end_;
};

void check(Index rows, const ParallelBeam& beam) {
  expect(rows == static_cast<Index>(beam.angle_rad.size()), "a sinogram has one row an angle");
}

void add_line(const float* line, const Meeting& m, float path, float* row) {
  for (Index x = m.ray_first; x < m.ray_last; ++x) {
    const double p = m.first + static_cast<double>(x) * m.step;
    const auto i = static_cast<int>(p);
    const auto f = static_cast<float>(p - i);
    row[x] += path * ((1 - f) * line[i] + f * line[i + 1]);
  }
}

void spread_row(const float* row, const Meeting& m, float path, float* line) {
  for (Index x = m.ray_first; x < m.ray_last; ++x) {
    const double p = m.first + static_cast<double>(x) * m.step;
    const auto i = static_cast<int>(p);
    const auto f = static_cast<float>(p - i);
    const float value = path * row[x];
    line[i] += (1 - f) * value;
    line[i + 1] += f * value;
  }
}

}  // namespace

void forward_project(View<const float, 2> slice, const ParallelBeam& beam, View<float, 2> sinogram) {
  check(sinogram.extent(0), beam);
  const Index ny = slice.extent(0), nx = slice.extent(1), rays = sinogram.extent(1);
  Lines rows = lines_of(Crossing::rows, ny, nx), columns = lines_of(Crossing::columns, ny, nx);
  for (Index y = 0; y < ny; ++y) {
    for (Index x = 0; x < nx; ++x) rows(y, x + 1) = columns(x, y + 1) = slice(y, x);
  }
  std::fill(sinogram.begin(), sinogram.end(), 0.0F);
  for (Index a = 0; a < sinogram.extent(0); ++a) {
    const double angle_rad = beam.angle_rad[static_cast<std::size_t>(a)];
    const Crossing crossing = crossing_at(angle_rad);
    const Lines& lines = crossing == Crossing::rows ? rows : columns;
    const Rays through(angle_rad, beam.axis_px, crossing, lines.extent(0), lines.extent(1) - 2);
    for (Index l = 0; l < lines.extent(0); ++l)
      add_line(&lines(l, 0), through.meet(l, rays), through.path(), &sinogram(a, 0));
  }
}

void back_project_adjoint(View<const float, 2> sinogram, const ParallelBeam& beam, View<float, 2> slice) {
  check(sinogram.extent(0), beam);
  const Index ny = slice.extent(0), nx = slice.extent(1), rays = sinogram.extent(1);
  Lines rows = lines_of(Crossing::rows, ny, nx), columns = lines_of(Crossing::columns, ny, nx);
  for (Index a = 0; a < sinogram.extent(0); ++a) {
    const double angle_rad = beam.angle_rad[static_cast<std::size_t>(a)];
    const Crossing crossing = crossing_at(angle_rad);
    Lines& lines = crossing == Crossing::rows ? rows : columns;
    const Rays through(angle_rad, beam.axis_px, crossing, lines.extent(0), lines.extent(1) - 2);
    for (Index l = 0; l < lines.extent(0); ++l)
      spread_row(&sinogram(a, 0), through.meet(l, rays), through.path(), &lines(l, 0));
  }
  for (Index y = 0; y < ny; ++y) {
    for (Index x = 0; x < nx; ++x) slice(y, x) = rows(y, x + 1) + columns(x, y + 1);
  }
}

}  // namespace ptychoflow::tomo
