// The projections of a series while it is not whole: each rank keeps those that passed by, until the root has all.
#pragma once

#include <vector>

#include "core/comm/communicator.hpp"
#include "core/tomo/projection_stack.hpp"
#include "plugin/api/tensor.hpp"

namespace ptychoflow::align {

struct Collected {
  tomo::Projection projection;  ///< its images are those below
  double wavelength_m = 0;
  stage::Tensor phase, weight, absorption;  ///< y, x, float32; the last two may be empty

  /// Has `projection` look at the images.
  /// @throws Error (other) if they differ in extents
  void look_at_images();
};

/// Gives all to the root, in the order of ranks; none is left elsewhere. Collective.
void gather(std::vector<Collected>& collected, const comm::Communicator& ranks);

}  // namespace ptychoflow::align
