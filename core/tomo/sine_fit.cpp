#include "core/tomo/sine_fit.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"
#include "core/tomo/least_squares.hpp"

namespace ptychoflow::tomo {
namespace {

Sine fit_weighted(const std::vector<double>& values, const std::vector<double>& angle_rad,
                  const std::vector<double>& weights, std::optional<double> constant) {
  LeastSquares<3> fit;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    fit.add({constant ? 0.0 : 1.0, std::cos(angle_rad[i]), std::sin(angle_rad[i])}, values[i] - constant.value_or(0),
            weights[i]);
  }
  const auto c = fit.solve();
  return {constant.value_or(c[0]), c[1], c[2]};
}

}  // namespace

double Sine::at(double angle_rad) const { return constant + cosine * std::cos(angle_rad) + sine * std::sin(angle_rad); }

Sine fit_sine(const std::vector<double>& values, const std::vector<double>& angle_rad, std::optional<double> constant) {
  expect(values.size() == angle_rad.size(), "a value an angle is fitted");
  std::vector<double> weights(values.size(), 1);
  Sine found = fit_weighted(values, angle_rad, weights, constant);
  constexpr int rounds = 30;
  for (int round = 0; round < rounds; ++round) {
    std::vector<double> off;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!std::isnan(values[i])) off.push_back(std::abs(values[i] - found.at(angle_rad[i])));
    }
    if (off.empty()) return found;
    const auto middle = off.begin() + static_cast<std::ptrdiff_t>(off.size() / 2);
    std::nth_element(off.begin(), middle, off.end());
    const double sigma = 1.4826 * *middle;
    if (sigma < 1e-9) return found;  // as good as exact
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double r = (values[i] - found.at(angle_rad[i])) / (2.5 * sigma);
      weights[i] = 1 / (1 + r * r);
    }
    found = fit_weighted(values, angle_rad, weights, constant);
  }
  return found;
}

}  // namespace ptychoflow::tomo
