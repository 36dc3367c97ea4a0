#include "core/phase/ramp.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace ptychoflow::phase {
namespace {

double median(std::vector<double>& values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Sums for a plane through weighted points, around the middle of the map so that they are well conditioned.
class PlaneSums {
 public:
  explicit PlaneSums(Extents<2> e) : y0_(static_cast<double>(e[0] - 1) / 2), x0_(static_cast<double>(e[1] - 1) / 2) {}

  void add(Index iy, Index ix, double value, double w) {
    const std::array<double, 3> basis{1, static_cast<double>(iy) - y0_, static_cast<double>(ix) - x0_};
    for (std::size_t r = 0; r < 3; ++r) {
      for (std::size_t c = 0; c < 3; ++c) m_[r][c] += w * basis[r] * basis[c];
      m_[r][3] += w * basis[r] * value;
    }
  }

  /// Nothing if the points lie on a line.
  std::optional<Plane> solve() const {
    auto m = m_;
    const std::array<double, 3> size{m[0][0], m[1][1], m[2][2]};
    for (std::size_t r = 0; r < 3; ++r) {  // positive definite: no pivots needed
      if (!(m[r][r] > 1e-9 * size[r])) return std::nullopt;
      for (std::size_t below = r + 1; below < 3; ++below) {
        const double factor = m[below][r] / m[r][r];
        for (std::size_t c = r; c < 4; ++c) m[below][c] -= factor * m[r][c];
      }
    }
    const double px = m[2][3] / m[2][2], py = (m[1][3] - m[1][2] * px) / m[1][1];
    const double middle = (m[0][3] - m[0][1] * py - m[0][2] * px) / m[0][0];
    return Plane{middle - py * y0_ - px * x0_, py, px};
  }

 private:
  double y0_, x0_;
  std::array<std::array<double, 4>, 3> m_{};
};

/// Calls `use(y, x, phase, weight)` for all pixels with weight.
template <class F>
void for_trusted(MapView phase, MapView weight, F&& use) {
  expect(phase.extents() == weight.extents(), "a plane was to be fitted to maps of different extents");
  for (Index y = 0; y < phase.extent(0); ++y) {
    for (Index x = 0; x < phase.extent(1); ++x) {
      if (weight(y, x) > 0) use(y, x, static_cast<double>(phase(y, x)), static_cast<double>(weight(y, x)));
    }
  }
}

Plane solved(const PlaneSums& sums) {
  const auto plane = sums.solve();
  if (!plane) {
    throw Error(ErrorCode::data,
                "the pixels that a phase ramp is to be fitted to are fewer than three or lie on a line");
  }
  return *plane;
}

}  // namespace

device::Array<std::uint8_t, 2> mark(const std::vector<Rectangle>& rectangles, Extents<2> extents) {
  device::Array<std::uint8_t, 2> marked(extents);
  for (const Rectangle& r : rectangles) {
    for (Index y = r.y0; y < r.y1; ++y) {
      for (Index x = r.x0; x < r.x1; ++x) marked(y, x) = 1;
    }
  }
  return marked;
}

Plane fit_plane(MapView phase_rad, MapView weight, View<const std::uint8_t, 2> marked) {
  PlaneSums sums(phase_rad.extents());
  for_trusted(phase_rad, weight, [&](Index y, Index x, double p, double w) {
    if (marked(y, x)) sums.add(y, x, p, w);
  });
  return solved(sums);
}

Plane fit_robust_plane(MapView phase_rad, MapView weight) {
  constexpr int rounds = 15;
  constexpr double tukey = 4.685, deviation_of_mad = 1.4826, smallest_scale_rad = 1e-6;
  PlaneSums all(phase_rad.extents());
  for_trusted(phase_rad, weight, [&](Index y, Index x, double p, double w) { all.add(y, x, p, w); });
  Plane plane = solved(all);
  for (int round = 0; round < rounds; ++round) {
    std::vector<double> values;
    for_trusted(phase_rad, weight, [&](Index y, Index x, double p, double) { values.push_back(p - plane.at(y, x)); });
    const double centre = median(values);
    for (double& v : values) v = std::abs(v - centre);
    const double reach = tukey * std::max(deviation_of_mad * median(values), smallest_scale_rad);
    PlaneSums sums(phase_rad.extents());
    for_trusted(phase_rad, weight, [&](Index y, Index x, double p, double w) {
      const double r = (p - plane.at(y, x) - centre) / reach;
      if (std::abs(r) < 1) sums.add(y, x, p, w * (1 - r * r) * (1 - r * r));
    });
    plane = solved(sums);
  }
  return plane;
}

void subtract(const Plane& plane, View<float, 2> phase_rad) {
  for (Index y = 0; y < phase_rad.extent(0); ++y) {
    for (Index x = 0; x < phase_rad.extent(1); ++x) {
      phase_rad(y, x) = static_cast<float>(static_cast<double>(phase_rad(y, x)) - plane.at(y, x));
    }
  }
}

double median_amplitude(MapView amplitude, MapView weight, View<const std::uint8_t, 2> marked) {
  std::vector<double> values;
  for_trusted(amplitude, weight, [&](Index y, Index x, double a, double) {
    if (marked.empty() || marked(y, x)) values.push_back(a);
  });
  return median(values);
}

}  // namespace ptychoflow::phase
