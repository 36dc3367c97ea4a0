// The path of one point of the sample through the projections.
#pragma once

#include <optional>
#include <vector>

namespace ptychoflow::tomo {

/// constant + cosine · cos θ + sine · sin θ
struct Sine {
  double constant = 0;
  double cosine = 0;
  double sine = 0;
  double at(double angle_rad) const;
};

/// The curve that passes nearest to the values, by least squares in which a value counts less the farther it is off
/// (weights 1/(1 + (r/2.5σ)²), σ from the median of |r|), so that a few wrong ones do no harm. Values that are NaN do
/// not count.
/// @param constant where it is known already
Sine fit_sine(const std::vector<double>& values, const std::vector<double>& angle_rad,
              std::optional<double> constant = std::nullopt);

}  // namespace ptychoflow::tomo
