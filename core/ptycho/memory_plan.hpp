// What a reconstruction takes of a rank's memory, and what it does if that is too much: worked out before any data is
// read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/ptycho/geometry.hpp"

namespace ptychoflow::ptycho {

/// Where magnitudes lie when a GPU's memory is planned.
enum class MagnitudesLie { where_the_plan_says, on_the_device, with_the_processor };

/// One rank's part of a reconstruction.
struct Workload {
  Yx<Index> frame;
  Yx<Index> object;      ///< pixels that this rank holds
  Index views = 0;       ///< of this rank
  Index scan_views = 0;  ///< of all ranks
  Index probe_modes = 1, object_modes = 1;
  Index real_bytes = 4;  ///< 4 in single precision, 8 in double
  bool whole_sums = false;
  bool live = false;  ///< views join while it goes on
  MagnitudesLie magnitudes = MagnitudesLie::where_the_plan_says;
  bool next_follows = false;  ///< another scan, whose magnitudes may come before its turn

  Index mode_pairs() const { return probe_modes * object_modes; }
};

/// What a rank may use.
struct MemoryBudget {
  std::uint64_t host_bytes = 0;
  bool scratch = false;  ///< there is a folder for what does not fit
  Index threads = 1;
};

/// Bytes on one rank that computes on the CPU.
struct MemoryPlan {
  std::uint64_t exit_waves = 0;
  std::uint64_t joining = 0;  ///< exit waves once more, for the moment when views join
  std::uint64_t magnitudes = 0;
  std::uint64_t fields = 0;   ///< probe, object and their overlap sums
  std::uint64_t threads = 0;  ///< waves and sums of threads
  std::uint64_t program = 0;  ///< the program, its libraries and frames on their way

  bool exit_waves_in_scratch = false;
  bool magnitudes_in_scratch = false;
  Index slab_views = 0, resident_slabs = 0;  ///< of what lies in scratch: see PagingPlan

  std::uint64_t in_memory = 0;   ///< at the most
  std::uint64_t in_scratch = 0;  ///< on the disk
  /// Read from and written to the disk in an iteration, at the most.
  std::uint64_t traffic_per_iteration = 0;

  std::uint64_t total() const { return exit_waves + joining + magnitudes + fields + threads + program; }
};

/// Everything in memory if that fits. Else exit waves go to scratch, then magnitudes, too.
/// @throws Error (resource) if the budget does not hold it: with the figures, and what to do
MemoryPlan plan_memory(const Workload& work, const MemoryBudget& budget);

/// The plan as a table of lines `what  size  where`.
std::string describe(const MemoryPlan& plan, const MemoryBudget& budget);

/// Bytes of "8GiB", "500 MB" and the like; none for "auto".
/// @throws Error (usage) for a unit that is not known, or no number
std::optional<std::uint64_t> bytes_of(const std::string& size);

}  // namespace ptychoflow::ptycho
