#include "core/tomo/angle_weights.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "core/base/units.hpp"

namespace ptychoflow::tomo {
namespace {

/// The angle modulo half a turn, in [0, π).
double folded(double angle_rad) {
  const double a = angle_rad - pi * std::floor(angle_rad / pi);
  return a < pi ? a : 0;
}

/// The most that a gap between neighbours counts for.
double widest_gap(const std::vector<double>& gaps) {
  const double mean = pi / static_cast<double>(gaps.size());
  std::vector<double> usual;
  // Those that are nearly zero are of projections from the front and from the back.
  std::copy_if(gaps.begin(), gaps.end(), std::back_inserter(usual), [&](double g) { return g > 0.1 * mean; });
  const auto middle = usual.begin() + static_cast<std::ptrdiff_t>(usual.size() / 2);
  std::nth_element(usual.begin(), middle, usual.end());
  return 4 * *middle;
}

}  // namespace

std::vector<double> angle_weights(const std::vector<double>& angle_rad) {
  const std::size_t n = angle_rad.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return folded(angle_rad[a]) < folded(angle_rad[b]); });
  std::vector<double> gaps(n);  // from each, in order, to the next
  for (std::size_t i = 0; i < n; ++i) {
    const double next = i + 1 < n ? folded(angle_rad[order[i + 1]]) : folded(angle_rad[order[0]]) + pi;
    gaps[i] = next - folded(angle_rad[order[i]]);
  }
  const double widest = widest_gap(gaps);
  std::vector<double> weights(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double before = gaps[(i + n - 1) % n], after = gaps[i];
    weights[order[i]] = 0.5 * (std::min(before, widest) + std::min(after, widest));
  }
  return weights;
}

}  // namespace ptychoflow::tomo
