#include "core/tomo/angles.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/units.hpp"

namespace ptychoflow::tomo {

bool look_like_radians(const std::vector<double>& angle_deg) {
  if (angle_deg.size() <= 3) return false;
  const auto [least, most] = std::minmax_element(angle_deg.begin(), angle_deg.end());
  const double range = *most - *least, step = range / static_cast<double>(angle_deg.size() - 1);
  const auto near = [&](double turn) {
    return std::abs(range - turn) < 0.01 * turn || std::abs(range + step - turn) < 1e-3 * turn;
  };
  return std::max(std::abs(*least), std::abs(*most)) <= 2 * pi + 0.01 && (near(pi) || near(2 * pi));
}

}  // namespace ptychoflow::tomo
