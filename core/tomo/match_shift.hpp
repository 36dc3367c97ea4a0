// By how much one projection lies beside another.
#pragma once

#include <vector>

#include "core/base/view.hpp"
#include "core/tomo/shift_image.hpp"

namespace ptychoflow::tomo {

/// By how much `image` must be moved to lie on `reference`: whole pixels from the peak of their cross-correlation, the
/// rest from the least squares of image ≈ k·reference(y + s_y, x + s_x) + plane, linear in s. Planes (an offset and a
/// ramp) that one image has and the other not, and a scale, do not matter. No shift where the images have nothing in
/// common.
/// @param image, reference [y][x], of the same extents
/// @param max_px the shift is looked for up to this, along either axis
/// @throws Error (other) if the extents differ
Shift shift_onto(View<const float, 2> image, View<const float, 2> reference, double max_px);

/// By how much the curve must be moved to lie on `reference`, of the same length: the highest correlation coefficient
/// of the parts that overlap, between pixels by a parabola. 0 where they have nothing in common.
/// @param max_px as above; at least half of the curve overlaps in any case
double shift_onto(const std::vector<double>& curve, const std::vector<double>& reference, double max_px);

}  // namespace ptychoflow::tomo
