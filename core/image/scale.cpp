#include "core/image/scale.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/error.hpp"

namespace ptychoflow::image {
namespace {

/// The largest of 1, 2, 5 × 10ⁿ that is at most `limit`.
double round_below(double limit) {
  const double power = std::pow(10.0, std::floor(std::log10(limit) + 1e-9));
  const double lead = limit / power * (1 + 1e-9);
  return power * (lead >= 5 ? 5 : lead >= 2 ? 2 : 1);
}

double round_above(double limit) {
  const double below = round_below(limit);
  if (below >= limit * (1 - 1e-9)) return below;
  const double lead = below / std::pow(10.0, std::floor(std::log10(below) + 1e-9));
  return below * (lead > 1.5 && lead < 3 ? 2.5 : 2);
}

std::string with_minus_sign(std::string number) {
  if (number.starts_with('-')) number.replace(0, 1, "−");
  return number;
}

struct Unit {
  double metres;
  const char* name;
};
constexpr std::array units{Unit{1, "m"}, Unit{1e-3, "mm"}, Unit{1e-6, "µm"}, Unit{1e-9, "nm"}, Unit{1e-12, "pm"}};

const Unit& unit_for(double length_m) {
  for (const Unit& u : units) {
    if (length_m >= u.metres * (1 - 1e-9)) return u;
  }
  return units.back();
}

}  // namespace

std::vector<Tick> linear_ticks(Range range, int count) {
  expect(std::isfinite(range.low) && std::isfinite(range.high) && range.low < range.high, "an axis without extent");
  double step = round_above(range.width() / std::max(count, 1));
  const double slack = 1e-9 * range.width();
  const auto first = [&] { return std::ceil((range.low - slack) / step); };
  const auto last = [&] { return std::floor((range.high + slack) / step); };
  while (last() - first() + 1 > std::max(count, 1)) step = round_above(step * 1.01);
  const int decimals = std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 12);
  std::vector<Tick> ticks;
  for (double k = first(); k <= last(); ++k) {
    const double value = k == 0 ? 0.0 : k * step;  // no "−0"
    ticks.push_back({value, with_minus_sign(fmt::format("{:.{}f}", value, decimals))});
  }
  return ticks;
}

std::vector<Tick> decade_ticks(Range range, int count) {
  const int first = static_cast<int>(std::ceil(std::log10(range.low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(range.high) + 1e-9));
  const int step = std::max(1, (last - first + count) / std::max(count, 1));
  std::vector<Tick> ticks;
  for (int n = first; n <= last; n += step) {
    ticks.push_back({std::pow(10.0, n), n == 0 ? "1" : "10^" + with_minus_sign(fmt::format("{}", n))});
  }
  return ticks;
}

ScaleBar scale_bar(double width_m, double share) {
  expect(std::isfinite(width_m) && width_m > 0, "a scale bar for a field without width");
  const double length_m = round_below(share * width_m);
  const Unit& unit = unit_for(length_m);
  return {length_m, fmt::format("{:.3g} {}", length_m / unit.metres, unit.name)};
}

std::string length_text(double length_m) {
  const Unit& unit = unit_for(length_m);
  return fmt::format("{:.3g} {}", length_m / unit.metres, unit.name);
}

Range robust_range(std::span<const float> values, double share) {
  std::vector<float> finite;
  finite.reserve(values.size());
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite), [](float v) { return std::isfinite(v); });
  if (finite.empty()) return {};
  const auto at = [&](double fraction) {
    const auto place = finite.begin() + std::lround(fraction * static_cast<double>(finite.size() - 1));
    std::nth_element(finite.begin(), place, finite.end());
    return static_cast<double>(*place);
  };
  Range range{at(share), at(1 - share)};
  // A constant picture still needs a scale to be drawn on.
  const double least = std::max(1e-6, 1e-6 * std::abs(range.low));
  if (range.width() < least) range = {range.low - least, range.high + least};
  return range;
}

}  // namespace ptychoflow::image
