#include "plugin/stages/ptycho_dm/figures.hpp"

#include <numeric>

namespace ptychoflow::ptycho_dm {

using namespace ptycho;
using stage::Json;

Json result_figures(const std::vector<IterationFigures>& history, Index view_modes) {
  std::vector<double> seconds;
  for (const auto& f : history) seconds.push_back(f.seconds);
  const auto& last = history.back();
  const double mean = std::accumulate(seconds.begin(), seconds.end(), 0.0) / static_cast<double>(seconds.size());
  return {{"iterations", history.size()},
          {"seconds_per_iteration", seconds},
          {"us_per_view_mode", mean / static_cast<double>(view_modes) * 1e6},
          {"object_change", last.object_change},
          {"probe_change", last.probe_change},
          {"exit_wave_change", last.exit_wave_change}};
}

Json distribution_figures(const Distribution& distribution, Index views, Index shared_views,
                          const comm::Communicator& ranks, const comm::Traffic& before, Index iterations) {
  const comm::Traffic now = ranks.traffic();
  const auto by_rank = [&](Index mine) { return ranks.gather(std::vector<std::int64_t>{mine}); };
  const auto each = [&](std::uint64_t bytes) { return by_rank(static_cast<Index>(bytes) / iterations); };
  return {{"whole_object_on_every_rank", distribution.whole},
          {"views", by_rank(views)},
          {"views_in_shared_rows", by_rank(shared_views)},
          {"rows_held", by_rank(distribution.rows.size())},
          {"rows_owned", by_rank(distribution.owned.size())},
          {"bytes_to_neighbours_per_iteration", each(now.to_neighbours - before.to_neighbours)},
          {"bytes_in_sums_per_iteration", each(now.in_sums - before.in_sums)}};
}

Json memory_figures(const MemoryPlan& plan) {
  return {{"exit_waves_bytes", plan.exit_waves}, {"magnitudes_bytes", plan.magnitudes},
          {"planned_bytes", plan.in_memory},     {"scratch_bytes", plan.in_scratch},
          {"slab_views", plan.slab_views},       {"disk_traffic_bytes_per_iteration", plan.traffic_per_iteration}};
}

Json memory_figures(const BatchPlan& plan) {
  return {{"exit_waves_bytes", plan.exit_waves},
          {"exit_waves_on_host", plan.exit_waves_on_host},
          {"resident_views", plan.resident_views},
          {"magnitudes_bytes", plan.magnitudes},
          {"magnitudes_on_host", plan.magnitudes_on_host},
          {"next_magnitudes_bytes", plan.next_magnitudes},
          {"traffic_bytes_per_iteration", plan.traffic_per_iteration()},
          {"batch_waves_bytes", plan.batch_waves},
          {"transform_work_bytes", plan.transform_work},
          {"fields_bytes", plan.fields},
          {"lists_bytes", plan.lists},
          {"total_bytes", plan.total()},
          {"batch_views", plan.batch_views}};
}

}  // namespace ptychoflow::ptycho_dm
