// Fourier ring correlation: down to which detail two independent reconstructions agree.
#pragma once

#include <array>

#include "core/base/correlation_curve.hpp"
#include "core/ptycho/registration.hpp"

namespace ptychoflow {

/// One value a ring of spatial frequency; see `ring_correlation`.
using RingCorrelation = CorrelationCurve;

/// Correlation of two images, aligned by `align`, over rings of spatial frequency:
/// Re Σ A·B* / √(Σ|A|²·Σ|B|²) (Saxton & Baumeister, J. Microsc. 127, 127 (1982)).
/// Means are taken away and edges softened by a cosine over a quarter of each side. Rings are as wide as one Fourier
/// coefficient of the shorter side.
/// @param a, b [y][x], of the same extents
/// @param pixel_size_m y, x
/// @throws Error (data) if an image is smaller than 16 px or has no contrast at all
RingCorrelation ring_correlation(ImageView a, ImageView b, std::array<double, 2> pixel_size_m);

}  // namespace ptychoflow
