// What a series' own reconstruction looks like from each of its angles.
#pragma once

#include "core/base/view.hpp"
#include "core/device/thread_pool.hpp"
#include "core/tomo/projector.hpp"

namespace ptychoflow::tomo {

/// Reconstructs every slice by filtered back projection, under a Hann window so that a projection's own noise weighs
/// little in it, and projects it again.
/// @param projections [angle][y][x]
/// @param reprojections of the same extents, written over
void reproject(View<const float, 3> projections, const ParallelBeam& beam, View<float, 3> reprojections,
               device::ThreadPool& threads);

}  // namespace ptychoflow::tomo
