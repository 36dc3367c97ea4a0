// The middle of a scan, where short reconstructions try out what a user may not know.
#pragma once

#include <vector>

#include "core/ptycho/geometry.hpp"

namespace ptychoflow::ptycho {

/// Enough to tell a right start from a wrong one.
inline constexpr Index trial_views = 100;
inline constexpr Index trial_iterations = 30;

/// Numbers of the `count` views that are nearest to the middle of the scan, rising: the same in every orientation.
std::vector<Index> central_views(const std::vector<Yx<double>>& positions_m, Index count);

/// A scan of some views of another one, with an object no larger than they need.
/// @param numbers  rising
Layout layout_of(const Layout& layout, const std::vector<Index>& numbers);

}  // namespace ptychoflow::ptycho
