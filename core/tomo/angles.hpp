// Angles of a series as users give them.
#pragma once

#include <vector>

namespace ptychoflow::tomo {

/// Whether what should be degrees spans half a turn or a whole one in radians: 3.14 or 6.28, with the last angle or up
/// to it. Never of three angles or fewer.
bool look_like_radians(const std::vector<double>& angle_deg);

}  // namespace ptychoflow::tomo
