// Projection of a slice in parallel beams, term by term and in double precision, written from its definition: Joseph,
// IEEE Trans. Med. Imaging 1, 192 (1982).
#pragma once

#include <cmath>
#include <vector>

#include "core/base/view.hpp"

namespace ptychoflow::reference {

/// Ray x at angle θ is the line u cos θ + v sin θ = x − axis_px; pixel (iy, ix) is at u = ix − (side − 1)/2,
/// v = iy − (side − 1)/2. At each row (or column, where the ray is nearer to their direction than to that of rows) it
/// counts the slice, linearly interpolated between the two pixels beside it, times its path to the next.
inline std::vector<double> project(View<const float, 2> slice, double angle_rad, double axis_px, Index rays) {
  const Index side = slice.extent(0);
  const double c = std::cos(angle_rad), s = std::sin(angle_rad), centre = 0.5 * static_cast<double>(side - 1);
  const bool by_rows = std::abs(c) >= std::abs(s);
  std::vector<double> sums;
  for (Index x = 0; x < rays; ++x) {
    const double t = static_cast<double>(x) - axis_px;
    double sum = 0;
    for (Index line = 0; line < side; ++line) {
      const double w = static_cast<double>(line) - centre;
      const double place = (by_rows ? (t - w * s) / c : (t - w * c) / s) + centre;
      const double left = std::floor(place), share = place - left;
      const auto pixel = [&](double at) {
        if (at < 0 || at >= static_cast<double>(side)) return 0.0;
        const auto i = static_cast<Index>(at);
        return static_cast<double>(by_rows ? slice(line, i) : slice(i, line));
      };
      sum += (1 - share) * pixel(left) + share * pixel(left + 1);
    }
    sums.push_back(sum / (by_rows ? std::abs(c) : std::abs(s)));
  }
  return sums;
}

}  // namespace ptychoflow::reference
