// Slices side by side: they share the weights of interpolation, which cost as much as the sums themselves.
#pragma once

#include "core/device/array.hpp"
#include "core/tomo/beam.hpp"

namespace ptychoflow::tomo {

inline constexpr Index slice_lanes = 16;

/// Slices in groups of `slice_lanes`, with zeros around: rows of projections are [group][angle][x][lane], planes
/// [group][y][x][lane].
using Lanes = device::Array<float, 4>;

inline Index groups_of(Index slices) { return (slices + slice_lanes - 1) / slice_lanes; }

inline Extents<4> rows_of(const SliceGeometry& geometry, Index slices) {
  return {groups_of(slices), geometry.angles(), geometry.width + zeros_around, slice_lanes};
}

inline Extents<4> planes_of(const SliceGeometry& geometry, Index slices) {
  return {groups_of(slices), geometry.side + zeros_around, geometry.side + zeros_around, slice_lanes};
}

}  // namespace ptychoflow::tomo
