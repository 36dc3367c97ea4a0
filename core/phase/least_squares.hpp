// Unwrapping by least squares.
#pragma once

#include "core/phase/wrap.hpp"

namespace ptychoflow::phase {

/// The phase whose steps are nearest to the wrapped steps, in the sense of weighted least squares, by conjugate
/// gradients with the unweighted problem, solved by cosine transforms, as preconditioner (Ghiglia & Romero, J. Opt.
/// Soc. Am. A 11, 107 (1994)); then rounded to multiples of 2π from the wrapped phase, so that no phase is lost. What
/// the rounding leaves wrapped is unwrapped in turn, a few times. Noise is averaged; residues lower the slopes around
/// them.
/// @param wrapped_rad [y][x] in [−π, π]
/// @param weight [y][x] in 0 … 1; as an inverse variance; a step has the smaller weight of its two pixels
/// @return [y][x]; `wrapped_rad` and multiples of 2π
/// @throws Error (other) if there is no plan for the transforms
Map unwrap_least_squares(MapView wrapped_rad, MapView weight);

}  // namespace ptychoflow::phase
