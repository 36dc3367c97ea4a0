// What the run report says of a reconstruction.
#pragma once

#include <vector>

#include "core/comm/communicator.hpp"
#include "core/ptycho/batch_plan.hpp"
#include "core/ptycho/distribution.hpp"
#include "core/ptycho/engine.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::ptycho_dm {

/// How the iteration went, and how fast.
/// @param view_modes  views of all ranks times mode pairs
stage::Json result_figures(const std::vector<ptycho::IterationFigures>& history, Index view_modes);

/// Views and rows of each rank, and what it sends in an iteration. Collective.
/// @param views, shared_views  of this rank, and those of them in shared rows
/// @param before               what it had sent before the first of `iterations`
stage::Json distribution_figures(const ptycho::Distribution& distribution, Index views, Index shared_views,
                                 const comm::Communicator& ranks, const comm::Traffic& before, Index iterations);

stage::Json memory_figures(const ptycho::MemoryPlan& plan);
stage::Json memory_figures(const ptycho::BatchPlan& plan);

}  // namespace ptychoflow::ptycho_dm
