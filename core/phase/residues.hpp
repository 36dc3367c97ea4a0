// Residues: where the phase turns once around a loop of four pixels, so that unwrapping depends on the path.
#pragma once

#include "core/phase/wrap.hpp"

namespace ptychoflow::phase {

/// Loops of 2×2 pixels around which the wrapped steps add up to 2π, and to −2π.
struct Residues {
  Index positive = 0;
  Index negative = 0;
};

/// Counts the residues whose four pixels all have weight (Goldstein, Zebker & Werner, Radio Sci. 23, 713 (1988)).
/// @param wrapped_rad, weight [y][x], of the same extents; phases in [−π, π]
Residues count_residues(MapView wrapped_rad, MapView weight);

}  // namespace ptychoflow::phase
