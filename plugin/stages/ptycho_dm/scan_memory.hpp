// Where the data of scans lie on this rank, and how much they take: known before any is read.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/device/scratch.hpp"
#include "core/ptycho/gpu.hpp"
#include "core/ptycho/memory_plan.hpp"
#include "plugin/stages/ptycho_dm/frame_store.hpp"
#include "plugin/stages/ptycho_dm/parameters.hpp"

namespace ptychoflow::ptycho_dm {

/// What the machine has, but for a rest that others need, shared among its ranks. Collective the first time.
std::uint64_t memory_of_this_rank();

class ScanMemory {
 public:
  /// `parameters` and `gpu` must outlive it.
  /// @param gpu   null: the CPU computes
  /// @param info  takes what the user should know
  ScanMemory(const Parameters& parameters, ptycho::Yx<Index> frame, int threads, ptycho::Gpu* gpu,
             std::function<void(const std::string&)> info);

  /// Plans for a scan of which the metadata are known, unless the plan before holds for it. Collective the first time.
  /// @throws Error (resource) if there is too little
  void plan_for(const stage::Json& metadata);

  /// For a scan like the one that was planned for.
  /// @param frames  of this rank; 0: not known
  std::unique_ptr<AnyFrameStore> make_store(Index frames);

  /// Whether so many frames of the next scan may come while this one is iterated on.
  bool has_room_for_next(Index frames) const;

  const ptycho::MemoryPlan& plan() const { return plan_; }  ///< of a rank that computes on the CPU
  device::Scratch* scratch() { return scratch_ ? &*scratch_ : nullptr; }

 private:
  ptycho::Workload workload(const stage::Json& metadata) const;
  device::Memory* magnitudes();

  const Parameters& parameters_;
  ptycho::Yx<Index> frame_;
  int threads_;
  ptycho::Gpu* gpu_;
  std::function<void(const std::string&)> info_;
  std::optional<std::uint64_t> host_bytes_ = parameters_.host_bytes;
  std::optional<device::Scratch> scratch_;
  stage::Json planned_for_;
  ptycho::MemoryPlan plan_;
  ptycho::BatchPlan gpu_plan_;
};

}  // namespace ptychoflow::ptycho_dm
