// Filtered back projection of parallel beams.
#pragma once

#include "core/tomo/slice_kernels.hpp"

namespace ptychoflow::tomo {

/// Reconstructs slices with the filter that the kernels were made with.
/// @param sinograms [slice][angle][x], line integrals (sums of slice values times pixels)
/// @param scale applied after the filter: what makes values of phases, which `Filter::derivative` needs as they are
/// @param slices [slice][y][x], per pixel; written over
void filtered_back_projection(SliceKernels& kernels, View<const float, 3> sinograms, float scale,
                              View<float, 3> slices);

}  // namespace ptychoflow::tomo
