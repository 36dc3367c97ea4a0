#include "core/ptycho/scan_pattern.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/ptycho/random.hpp"

namespace ptychoflow::ptycho {
namespace {

/// Vogel's model: equal areas, successive points apart by the golden angle; half an area on, so that the first points
/// do not crowd the middle.
Yx<double> on_spiral(Index j, double step_m) {
  const double golden_angle = pi * (3 - std::sqrt(5.0));
  const double radius = step_m * std::sqrt((static_cast<double>(j) + 0.5) / pi);
  const double angle = static_cast<double>(j) * golden_angle;
  return {radius * std::sin(angle), radius * std::cos(angle)};
}

}  // namespace

std::vector<Yx<double>> scan_positions_m(const Scan& scan) {
  if (scan.frame_count < 1 || !(scan.step_m > 0) || !(scan.jitter >= 0)) {
    throw Error(ErrorCode::usage,
                fmt::format("scan: {} frames, a step of {:.4g} m and a jitter of {:.4g} steps make no "
                            "scan: the first two must be positive, the last not negative",
                            scan.frame_count, scan.step_m, scan.jitter));
  }
  const auto columns = static_cast<Index>(std::ceil(std::sqrt(static_cast<double>(scan.frame_count))));
  const Index rows = (scan.frame_count + columns - 1) / columns;
  const bool jittered = scan.pattern == ScanPattern::jittered_raster || scan.pattern == ScanPattern::fly;
  Random random(scan.seed);
  std::vector<Yx<double>> positions;
  positions.reserve(static_cast<std::size_t>(scan.frame_count));
  for (Index j = 0; j < scan.frame_count; ++j) {
    if (scan.pattern == ScanPattern::fermat) {
      positions.push_back(on_spiral(j, scan.step_m));
      continue;
    }
    const Index row = j / columns;
    const Index column = row % 2 == 0 ? j % columns : columns - 1 - j % columns;
    Yx<double> at{static_cast<double>(row) - static_cast<double>(rows - 1) / 2,
                  static_cast<double>(column) - static_cast<double>(columns - 1) / 2};
    if (jittered) {
      const double move_y = random.uniform(-scan.jitter, scan.jitter);
      const double move_x = random.uniform(-scan.jitter, scan.jitter);
      const bool is_straight = scan.rim == Rim::straight;
      if (!is_straight || (row > 0 && row < rows - 1)) at.y += move_y;
      if (!is_straight || (column > 0 && column < columns - 1)) at.x += move_x;
    }
    positions.push_back({at.y * scan.step_m, at.x * scan.step_m});
  }
  return positions;
}

}  // namespace ptychoflow::ptycho
