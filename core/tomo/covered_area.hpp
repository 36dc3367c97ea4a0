// Where images of scanned areas are known.
#pragma once

#include "core/base/view.hpp"
#include "core/device/array.hpp"

namespace ptychoflow::tomo {

using Mask = device::Array<unsigned char, 2>;  ///< [y][x], 1 or 0

/// A rectangle of whole pixels.
struct Rectangle {
  Index y = 0, x = 0;
  Index height = 0, width = 0;
};

/// 0 where the weight is not above 0 and neighbours of which the same is true lead to an edge of the image; else 1.
Mask known_area(View<const float, 2> weight);

/// The largest rectangle of ones; of no size if there is none.
Rectangle largest_rectangle(const Mask& mask);

}  // namespace ptychoflow::tomo
