// What a correlation over rings or shells of spatial frequency tells: down to which detail two measurements agree.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace ptychoflow {

/// The correlation that counts as agreement.
enum class FrcThreshold {
  half_bit,     ///< half a bit of information a pixel in the sum of both halves
  one_bit,      ///< one bit a pixel
  one_seventh,  ///< 1/7 in every ring
};

/// One value a ring (of an image) or shell (of a volume) of spatial frequency, from 0.
struct CorrelationCurve {
  std::vector<double> frequency_per_m;  ///< of the ring's middle, in periods a metre
  std::vector<double> correlation;      ///< −1 … 1
  std::vector<double> independent;      ///< number of independent Fourier coefficients in the ring
  double finest_half_period_m = 0;      ///< what the pixels can hold
};

enum class ResolutionBound {
  measured,     ///< the curve crosses the threshold there
  better_than,  ///< it stays above up to the last ring
  worse_than,   ///< it is below from the first ring on
};

/// Half-period resolution: half of the finest period that both have in common.
struct Resolution {
  double half_period_m;
  ResolutionBound bound;
};

/// The threshold for a ring of `independent` coefficients (van Heel & Schatz, J. Struct. Biol. 151, 250 (2005)).
inline double frc_threshold(FrcThreshold kind, double independent) {
  if (kind == FrcThreshold::one_seventh) return 1.0 / 7;
  // A signal-to-noise ratio s in each half shared by n coefficients correlates as (s + 2√(s/n) + 1/√n)/(s + 1 +
  // 2√(s/n)); s = (2^bits − 1)/2, since each half has half of the scan.
  const double bits = kind == FrcThreshold::half_bit ? 0.5 : 1.0;
  const double s = (std::exp2(bits) - 1) / 2, root = std::sqrt(std::max(independent, 1.0));
  return (s + (2 * std::sqrt(s) + 1) / root) / (s + 1 + 2 * std::sqrt(s) / root);
}

/// That of each ring.
inline std::vector<double> frc_thresholds(const CorrelationCurve& curve, FrcThreshold kind) {
  std::vector<double> thresholds;
  for (const double n : curve.independent) thresholds.push_back(frc_threshold(kind, n));
  return thresholds;
}

/// Where the curve first falls below its threshold, between rings by linear interpolation.
/// @param thresholds one a ring
inline Resolution resolution(const CorrelationCurve& curve, const std::vector<double>& thresholds) {
  double previous = 0;  // how far the ring before is above its threshold
  for (std::size_t r = 1; r < curve.correlation.size(); ++r) {
    const double above = curve.correlation[r] - thresholds[r];
    if (above < 0) {
      if (r == 1) return {0.5 / curve.frequency_per_m[r], ResolutionBound::worse_than};
      const double part = previous / (previous - above);
      const double f = curve.frequency_per_m[r - 1] + part * (curve.frequency_per_m[r] - curve.frequency_per_m[r - 1]);
      return {0.5 / f, ResolutionBound::measured};
    }
    previous = above;
  }
  return {curve.finest_half_period_m, ResolutionBound::better_than};
}

inline Resolution resolution(const CorrelationCurve& curve, FrcThreshold kind) {
  return resolution(curve, frc_thresholds(curve, kind));
}

}  // namespace ptychoflow
