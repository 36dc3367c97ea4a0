// What a series' own reconstruction looks like from each of its angles.
#pragma once

#include "core/base/view.hpp"
#include "core/device/thread_pool.hpp"
#include "core/tomo/beam.hpp"

namespace ptychoflow::tomo {

/// Reconstructs every slice by filtered back projection, under a Hann window so that a projection's own noise weighs
/// little in it, takes away what is less than nothing, and projects it again. No matter has negative mass: without it,
/// ramps of the projections stay out of the slices, and so do the streaks of those that are not in their places.
/// @param projections [angle][y][x], phase in rad; matter is negative
/// @param reprojections of the same extents, written over
void reproject(View<const float, 3> projections, const ParallelBeam& beam, View<float, 3> reprojections,
               device::ThreadPool& threads);

}  // namespace ptychoflow::tomo
