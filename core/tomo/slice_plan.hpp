// How many slices a graphics card takes at a time.
#pragma once

#include <cstddef>

#include "core/tomo/filter.hpp"
#include "core/tomo/lanes.hpp"

namespace ptychoflow::tomo {

/// Bytes on the card for each group of slices, by the method that takes most.
std::size_t bytes_of_group(const SliceGeometry& geometry, Filter filter);

/// A multiple of slice_lanes: as many as fit, but no more than keep every card busy.
/// @throws Error (resource) if not even one group fits: with the figures, and what to do
Index slices_that_fit(const SliceGeometry& geometry, Filter filter, std::size_t free_bytes);

}  // namespace ptychoflow::tomo
