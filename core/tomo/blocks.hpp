// Series of slices, cut into what kernels take at a time.
#pragma once

#include <algorithm>

#include "core/base/error.hpp"
#include "core/tomo/slice_kernels.hpp"

namespace ptychoflow::tomo {

/// Calls `body(sinograms, slices)` for one block of slices after the other.
/// @param sinograms [slice][angle][x]
/// @param slices [slice][y][x]
/// @throws Error (other) if they are not what the kernels were made for
template <class Body>
void in_blocks(const SliceKernels& kernels, View<const float, 3> sinograms, View<float, 3> slices, const Body& body) {
  const SliceGeometry& g = kernels.geometry();
  expect(sinograms.extents() == Extents<3>{slices.extent(0), g.angles(), g.width} &&
             slices.extents() == Extents<3>{slices.extent(0), g.side, g.side},
         "sinograms and slices as the kernels were made for");
  for (Index first = 0; first < slices.extent(0); first += kernels.most_slices()) {
    const Index count = std::min(kernels.most_slices(), slices.extent(0) - first);
    body(View<const float, 3>(sinograms[first].data(), {count, g.angles(), g.width}),
         View<float, 3>(slices[first].data(), {count, g.side, g.side}));
  }
}

}  // namespace ptychoflow::tomo
