// Phase unwrapping: the multiples of 2π that a wrapped phase has lost.
#pragma once

#include "core/phase/wrap.hpp"

namespace ptychoflow::phase {

enum class UnwrapMethod {
  quality_guided,  ///< quality_guided.hpp: the reliable first; residues stay where they are
  least_squares,   ///< least_squares.hpp: nearest to all steps at once; residues pull at all around them
};

/// Unwraps by either method. The result differs from `wrapped_rad` by multiples of 2π, and its mean over the pixels
/// with weight is as near to 0 as they allow.
/// @param wrapped_rad [y][x] in [−π, π]
/// @param weight [y][x] in 0 … 1; where 0, the phase is not trusted
Map unwrap(MapView wrapped_rad, MapView weight, UnwrapMethod method);

}  // namespace ptychoflow::phase
