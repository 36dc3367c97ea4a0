// How many views a GPU takes at a time, and what a reconstruction takes of its memory: worked out before anything is
// allocated.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/ptycho/memory_plan.hpp"

namespace ptychoflow::ptycho {

/// The device, as far as the plan needs to know it.
struct DeviceFacts {
  std::uint64_t free_bytes = 0;
  std::uint64_t l2_bytes = 0;
  std::int64_t resident_threads = 0;  ///< that the device can keep busy at once
  std::uint64_t host_bytes = 0;       ///< of the processor's memory, for what does not fit on the device
};

/// Bytes on the device.
struct BatchPlan {
  Index batch_views = 0;  ///< views that a lane takes at a time
  Index block_views = 0;  ///< views whose exit waves or magnitudes come at a time: some batches; 0: a batch
  Index lanes = 2;        ///< batches that are under way at once
  std::uint64_t exit_waves = 0;
  bool exit_waves_on_host = false;    ///< they come and go, block by block: three lanes, to copy both ways and compute
  Index resident_views = 0;           ///< the first views, whose exit waves stay on the device even so
  std::uint64_t exit_waves_away = 0;  ///< of the views whose exit waves come and go
  std::uint64_t joining = 0;          ///< exit waves once more, for the moment when views join
  std::uint64_t magnitudes = 0;
  bool magnitudes_on_host = false;    ///< they come, block by block
  std::uint64_t next_magnitudes = 0;  ///< room for those of the next scan, beside them; 0: there is none
  std::uint64_t batch_waves = 0;      ///< of all lanes, with exit waves and magnitudes that come and go
  std::uint64_t transform_work = 0;   ///< of all lanes; an estimate until the plans are made
  std::uint64_t fields = 0;           ///< probe, object, their overlap sums and parts of sums
  std::uint64_t lists = 0;            ///< places of views, tile lists, sums per view

  /// Copied between processor and device in an iteration: exit waves are read in two sweeps and written in one,
  /// magnitudes read in one.
  std::uint64_t traffic_per_iteration() const { return 3 * exit_waves_away + (magnitudes_on_host ? magnitudes : 0); }

  std::uint64_t total() const {
    return exit_waves - exit_waves_away + (exit_waves_on_host ? 0 : joining) +
           (magnitudes_on_host ? 0 : magnitudes + next_magnitudes) + batch_waves + transform_work + fields + lists;
  }

  /// Of the processor's memory.
  std::uint64_t on_host() const {
    return (exit_waves_on_host ? exit_waves + joining : 0) + (magnitudes_on_host ? magnitudes + next_magnitudes : 0);
  }
};

/// Parts of the views over which probe sums are made side by side: enough to keep a device busy.
constexpr Index probe_parts = 16;

/// What a launch takes.
constexpr Index most_views_in_a_batch = 65535;

/// A batch's waves, ψ and work area should stay in the second-level cache from one kernel to the next, as long as that
/// leaves enough pixels to keep the device busy. What does not fit stays with the processor: magnitudes first, since
/// they are copied once an iteration, then exit waves of as many views as need be, which are copied three times. The
/// next scan's magnitudes have room only where that costs nothing else its place.
/// @param asked  views in a batch as the user wants it; 0: as said above
/// @throws Error (resource) if the device's free memory does not hold it: with the figures, and what to do
BatchPlan plan_batches(const Workload& work, const DeviceFacts& device, Index asked = 0);

/// Makes the plan of a workload on the device as it is then.
using Planner = std::function<BatchPlan(const Workload&)>;

/// The plan as a table of lines `what  bytes`.
std::string describe(const BatchPlan& plan, const DeviceFacts& device);

}  // namespace ptychoflow::ptycho
