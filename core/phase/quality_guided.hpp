// Unwrapping along a path from the most to the least reliable pixels.
#pragma once

#include "core/phase/wrap.hpp"

namespace ptychoflow::phase {

/// Steps between neighbours are taken in the order of the reliability of their pixels, each joining two groups of
/// pixels into one (Herráez, Burton, Lalor & Gdeisat, Appl. Opt. 41, 7437 (2002)). A pixel is reliable where the
/// wrapped phase has small second differences and a large weight. Steps to pixels of weight 0 come last, and such
/// pixels do not speak for the reliability of their neighbours. Works on residues: the steps that they make wrong are
/// the unreliable ones. Takes time n log n at worst, for n pixels, and 24 bytes for each.
/// @param wrapped_rad [y][x] in [−π, π]
/// @param weight [y][x] in 0 … 1
/// @return [y][x]; `wrapped_rad` and multiples of 2π
Map unwrap_quality_guided(MapView wrapped_rad, MapView weight);

}  // namespace ptychoflow::phase
