#include "core/phase/residues.hpp"

namespace ptychoflow::phase {

Residues count_residues(MapView wrapped_rad, MapView weight) {
  expect(wrapped_rad.extents() == weight.extents(), "count_residues was given maps of different extents");
  Residues found;
  for (Index y = 0; y + 1 < wrapped_rad.extent(0); ++y) {
    const View<const float, 1> here = wrapped_rad[y], below = wrapped_rad[y + 1];
    const View<const float, 1> trust = weight[y], trust_below = weight[y + 1];
    for (Index x = 0; x + 1 < wrapped_rad.extent(1); ++x) {
      // The steps cancel but for the turns that they were given.
      const int turned = turns(here[x + 1] - here[x]) + turns(below[x + 1] - here[x + 1]) +
                         turns(below[x] - below[x + 1]) + turns(here[x] - below[x]);
      if (turned == 0) continue;
      if (!(trust[x] > 0 && trust[x + 1] > 0 && trust_below[x] > 0 && trust_below[x + 1] > 0)) continue;
      ++(turned > 0 ? found.positive : found.negative);
    }
  }
  return found;
}

}  // namespace ptychoflow::phase
