// From a complex object to wrapped phase, amplitude and trust.
#pragma once

#include <string>

#include "core/phase/wrap.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::phase_unwrap {

/// All [y][x], of the object's extents.
struct Projection {
  phase::Map wrapped_rad;
  phase::Map amplitude;
  phase::Map weight;  ///< 0 … 1, as the inverse variance of the phase: by light and by the square of the amplitude
};

/// Takes mode 0 of an object apart. Pixels of less coverage than `min_coverage` get weight 0; with an empty `coverage`,
/// all count as lit alike.
/// @throws Error (data) if the object is not finite somewhere or has no pixel that can be trusted; (other) if tensors
///   are not as docs/STREAM.md has them
Projection take_apart(const stage::Tensor& object, View<const float, 2> coverage, double min_coverage,
                      const std::string& scan);

}  // namespace ptychoflow::phase_unwrap
