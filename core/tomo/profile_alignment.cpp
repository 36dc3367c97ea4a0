#include "core/tomo/profile_alignment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/tomo/match_shift.hpp"

namespace ptychoflow::tomo {
namespace {

using Curve = std::vector<double>;

/// Slope of the smoothed row sums less its mean, along y.
Curve mass_slope(View<const float, 2> phase) {
  const Index ny = phase.extent(0);
  Curve mass(static_cast<std::size_t>(ny));
  for (Index y = 0; y < ny; ++y)
    mass[static_cast<std::size_t>(y)] = -std::accumulate(phase[y].begin(), phase[y].end(), 0.0);
  const auto at = [&](Index y) { return mass[static_cast<std::size_t>(std::clamp<Index>(y, 0, ny - 1))]; };
  Curve slope;
  // (1 2 1)/4 smoothed, then a central difference.
  for (Index y = 0; y < ny; ++y) slope.push_back((at(y + 2) + 2 * at(y + 1) - 2 * at(y - 1) - at(y - 2)) / 8);
  // At the ends the difference lacks pixels; what is there says nothing.
  for (const Index end : {Index{0}, Index{1}, ny - 2, ny - 1}) slope[static_cast<std::size_t>(end)] = 0;
  const double mean =
      std::accumulate(slope.begin(), slope.end(), 0.0) / static_cast<double>(std::max<Index>(1, ny - 4));
  for (Index y = 2; y < ny - 2; ++y) slope[static_cast<std::size_t>(y)] -= mean;
  return slope;
}

/// Adds the curve, moved by `shift` with linear interpolation, to `sum`.
void add_moved(const Curve& curve, double shift, Curve& sum) {
  const auto n = static_cast<Index>(curve.size());
  for (Index i = 0; i < n; ++i) {
    const double from = static_cast<double>(i) - shift;
    const double whole = std::floor(from), f = from - whole;
    const auto at = [&](Index k) { return k >= 0 && k < n ? curve[static_cast<std::size_t>(k)] : 0.0; };
    const auto k = static_cast<Index>(whole);
    sum[static_cast<std::size_t>(i)] += (1 - f) * at(k) + f * at(k + 1);
  }
}

double median(Curve values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Column sums of mass less the line through both ends; see `centres_of_mass`.
Curve columns_above_air(View<const float, 2> phase, Rows rows) {
  const Index nx = phase.extent(1), edge = std::max<Index>(2, nx / 16);
  Curve mass(static_cast<std::size_t>(nx));
  for (Index y = std::max<Index>(0, rows.first); y < std::min(phase.extent(0), rows.last); ++y) {
    for (Index x = 0; x < nx; ++x) mass[static_cast<std::size_t>(x)] -= phase(y, x);
  }
  const double left = std::accumulate(mass.begin(), mass.begin() + edge, 0.0) / static_cast<double>(edge);
  const double right = std::accumulate(mass.end() - edge, mass.end(), 0.0) / static_cast<double>(edge);
  const double from = 0.5 * static_cast<double>(edge - 1), length = static_cast<double>(nx - edge);
  for (Index x = 0; x < nx; ++x)
    mass[static_cast<std::size_t>(x)] -= left + (right - left) * (static_cast<double>(x) - from) / length;
  return mass;
}

}  // namespace

Rows covered_rows(const std::vector<double>& shift_y_px, Index ny) {
  const auto [lowest, highest] = std::minmax_element(shift_y_px.begin(), shift_y_px.end());
  const auto missing = [](double px) { return std::max<Index>(0, static_cast<Index>(std::ceil(px - 0.5 - 1e-9))); };
  return {missing(*highest), ny - missing(-*lowest)};
}

std::vector<double> vertical_shifts(View<const float, 3> phase, double max_px) {
  const auto angles = static_cast<std::size_t>(phase.extent(0));
  std::vector<Curve> curves;
  for (std::size_t a = 0; a < angles; ++a) curves.push_back(mass_slope(phase[static_cast<Index>(a)]));
  std::vector<double> shifts(angles);
  Curve mean = curves[0];
  for (std::size_t a = 1; a < angles; ++a) {
    shifts[a] = shift_onto(curves[a], mean, max_px);
    add_moved(curves[a], shifts[a], mean);
  }
  constexpr int rounds = 5;
  for (int round = 0; round < rounds; ++round) {
    const double middle = std::accumulate(shifts.begin(), shifts.end(), 0.0) / static_cast<double>(angles);
    std::fill(mean.begin(), mean.end(), 0.0);
    for (std::size_t a = 0; a < angles; ++a) add_moved(curves[a], shifts[a] -= middle, mean);
    for (std::size_t a = 0; a < angles; ++a) shifts[a] = shift_onto(curves[a], mean, max_px);
  }
  const double middle = std::accumulate(shifts.begin(), shifts.end(), 0.0) / static_cast<double>(angles);
  for (double& s : shifts) s -= middle;
  return shifts;
}

std::vector<double> centres_of_mass(View<const float, 3> phase, const std::vector<double>& shift_y_px, Rows rows) {
  std::vector<double> masses, centres;
  for (Index a = 0; a < phase.extent(0); ++a) {
    const auto by = static_cast<Index>(std::lround(shift_y_px[static_cast<std::size_t>(a)]));
    const Curve mass = columns_above_air(phase[a], {rows.first - by, rows.last - by});
    double sum = 0, moment = 0;
    for (std::size_t x = 0; x < mass.size(); ++x) {
      sum += mass[x];
      moment += static_cast<double>(x) * mass[x];
    }
    masses.push_back(sum);
    centres.push_back(moment / sum);
  }
  const double least = 0.25 * median(masses);
  for (std::size_t a = 0; a < masses.size(); ++a) {
    if (!(masses[a] > 0 && masses[a] >= least)) centres[a] = std::numeric_limits<double>::quiet_NaN();
  }
  return centres;
}

}  // namespace ptychoflow::tomo
