#include "core/tomo/filtered_back_projection.hpp"

#include <algorithm>

#include "core/tomo/blocks.hpp"

namespace ptychoflow::tomo {

void filtered_back_projection(SliceKernels& kernels, View<const float, 3> sinograms, float scale,
                              View<float, 3> slices) {
  const Index most = std::min(kernels.most_slices(), slices.extent(0));
  Lanes rows = kernels.zero_rows(most), planes = kernels.zero_planes(most);
  in_blocks(kernels, sinograms, slices, [&](View<const float, 3> measured, View<float, 3> to) {
    kernels.put_filtered(measured, scale, rows);
    kernels.back_project(Spread::linear, rows, planes);
    kernels.take_planes(planes, to);
  });
}

}  // namespace ptychoflow::tomo
