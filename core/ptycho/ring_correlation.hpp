// Fourier ring correlation: down to which detail two independent reconstructions agree.
#pragma once

#include <array>
#include <vector>

#include "core/ptycho/registration.hpp"

namespace ptychoflow {

/// The correlation that counts as agreement.
enum class FrcThreshold {
  half_bit,     ///< half a bit of information a pixel in the sum of both halves
  one_bit,      ///< one bit a pixel
  one_seventh,  ///< 1/7 in every ring
};

/// One value a ring of spatial frequency, from ring 0; see `ring_correlation`.
struct RingCorrelation {
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

/// Half-period resolution: half of the finest period that both images share.
struct Resolution {
  double half_period_m;
  ResolutionBound bound;
};

/// Correlation of two images, aligned by `align`, over rings of spatial frequency:
/// Re Σ A·B* / √(Σ|A|²·Σ|B|²) (Saxton & Baumeister, J. Microsc. 127, 127 (1982)).
/// Means are taken away and edges softened by a cosine over a quarter of each side. Rings are as wide as one Fourier
/// coefficient of the shorter side.
/// @param a, b [y][x], of the same extents
/// @param pixel_size_m y, x
/// @throws Error (data) if an image is smaller than 16 px or has no contrast at all
RingCorrelation ring_correlation(ImageView a, ImageView b, std::array<double, 2> pixel_size_m);

/// The threshold for a ring of `independent` coefficients (van Heel & Schatz, J. Struct. Biol. 151, 250 (2005)).
double frc_threshold(FrcThreshold kind, double independent);

/// Where the curve first falls below its threshold, between rings by linear interpolation.
Resolution resolution(const RingCorrelation& rings, FrcThreshold kind);

}  // namespace ptychoflow
