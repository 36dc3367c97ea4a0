// How far the sample is from the focus: tried out on some views of the scan.
#pragma once

#include <functional>
#include <vector>

#include "core/ptycho/initial_guess.hpp"

namespace ptychoflow::ptycho {

struct DefocusTrial {
  double defocus_m = 0;
  double r_factor = 0;
};

/// Where the beam, opening as the mean frame says, fills a view: no scan is taken farther from the focus.
double farthest_defocus_m(const ScanLight& light, const Layout& layout);

/// How many views, and iterations of each trial. R has hollows beside the right one, and fewer do not tell them apart.
inline constexpr Index defocus_views = 400;
inline constexpr Index defocus_iterations = 40;

/// Looks for the defocus of the lowest R: on both sides of the focus, from a sixteenth of the farthest on in steps of a
/// factor of √2, and then closer around the best.
/// @param r_factor  R of a short reconstruction from there
/// @return all that were tried, lowest R first
std::vector<DefocusTrial> search_defocus(double farthest_m, const std::function<double(double defocus_m)>& r_factor);

}  // namespace ptychoflow::ptycho
