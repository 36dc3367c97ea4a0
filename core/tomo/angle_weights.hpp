// How much each projection of a series counts in filtered back projection.
#pragma once

#include <vector>

namespace ptychoflow::tomo {

/// The part of half a turn that each angle speaks for: half the way to its neighbours on either side, modulo 180°.
/// Angles need not be evenly spaced nor sorted. A gap counts as no more than four usual ones (the median of those that
/// are not nearly zero), so that the rims of a missing wedge are not made to stand for all of it; otherwise the weights
/// sum to π.
/// @return radians, in the order of `angle_rad`
std::vector<double> angle_weights(const std::vector<double>& angle_rad);

}  // namespace ptychoflow::tomo
