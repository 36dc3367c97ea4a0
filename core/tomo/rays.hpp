// Projection and back projection of a group of slices on the processor: the loops in which tomography spends its time.
#pragma once

#include "core/device/simd.hpp"
#include "core/tomo/lanes.hpp"
#include "core/tomo/slice_kernels.hpp"

namespace ptychoflow::tomo {

/// Pixels that are worked on while they stay in the nearest cache.
inline constexpr Index tile_rows = 8, tile_columns = 32;

/// Lines of a slice that rays are followed through while they stay in the cache.
inline constexpr Index band_lines = 32;

/// A group's rows of projections: [angle][width + zeros][lane].
struct RayRows {
  const float* data;
  const PixelPlaces* places;  ///< [angle]
  Index angles;
  Index width;
};

/// A group's slices: [side + zeros][side + zeros][lane].
struct RayPlanes {
  const float* data;
  Index side;
};

struct RayLoops {
  /// Adds up what all angles say of the pixels [y0, y0 + tile_rows) × [x0, x0 + tile_columns).
  /// @param sums [tile_rows][tile_columns][lane], on a 64-byte boundary; written over
  void (*back_project)(const RayRows& rows, Spread spread, Index y0, Index x0, float* sums);

  /// Adds to the rays of one angle what they meet in the lines [first, last), at most `band_lines`.
  /// @param row [width][lane]
  void (*project)(const RayPlanes& planes, const LineCrossings& crossings, Index first, Index last, Index width,
                  float* row);
};

/// For an instruction set that this processor has.
RayLoops ray_loops(device::Simd simd = device::best_simd());

}  // namespace ptychoflow::tomo
