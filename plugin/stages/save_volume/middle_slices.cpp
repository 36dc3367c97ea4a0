#include "plugin/stages/save_volume/middle_slices.hpp"

#include <algorithm>

namespace ptychoflow::save_volume {

void MiddleSlices::take(Index first, View<const float, 3> slab) {
  const Index z0 = shape_[0] / 2, y0 = shape_[1] / 2, x0 = shape_[2] / 2;
  for (Index k = 0; k < slab.extent(0); ++k) {
    const auto slice = slab[k];
    const Index z = first + k;
    if (z == z0) std::copy(slice.begin(), slice.end(), xy_.begin());
    for (Index x = 0; x < shape_[2]; ++x) xz_(z, x) = slice(y0, x);
    for (Index y = 0; y < shape_[1]; ++y) yz_(z, y) = slice(y, x0);
  }
}

}  // namespace ptychoflow::save_volume
