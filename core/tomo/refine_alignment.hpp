// Aligning projections with the reconstruction's own.
#pragma once

#include "core/tomo/alignment.hpp"

namespace ptychoflow::tomo {

/// Improves `alignment` by iterations of reconstructing, projecting and moving; see `find_alignment`.
/// @param rows [first, last) of the moved projections that are looked at
void refine(View<const float, 3> phase, const std::vector<double>& angle_rad, const AlignmentSettings& settings,
            Rows rows, device::ThreadPool& threads, const GoOn& go_on, Alignment& alignment);

}  // namespace ptychoflow::tomo
