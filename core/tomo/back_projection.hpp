// Back projection of many slices side by side: the loop in which filtered back projection spends its time.
#pragma once

#include "core/base/view.hpp"
#include "core/device/simd.hpp"

namespace ptychoflow::tomo {

/// Slices that share the weights of interpolation, one a lane of vector registers.
inline constexpr Index slice_lanes = 16;

/// Pixels that are worked on while they stay in the nearest cache.
inline constexpr Index tile_rows = 8, tile_columns = 32;

/// Pixel (ix, iy) of a slice is seen at `first + ix · step_x + iy · step_y`, counted from a row's padded start.
struct RayPlace {
  double first, step_x, step_y;
};

/// Rows of projections, padded by one zero before and two after: [angle][1 + width + 2][slice_lanes].
struct LaneRows {
  const float* data;
  const RayPlace* places;  ///< [angle]
  Index angles;
  Index width;
};

/// Adds up what all angles say of the pixels [y0, y0 + tile_rows) × [x0, x0 + tile_columns), by linear interpolation;
/// beyond its ends a row is zero.
/// @param sums [tile_rows][tile_columns][slice_lanes], on a 64-byte boundary; written over
using BackProjectTile = void (*)(const LaneRows& rows, Index y0, Index x0, float* sums);

/// For an instruction set that this processor has.
BackProjectTile back_project_tile(device::Simd simd = device::best_simd());

}  // namespace ptychoflow::tomo
