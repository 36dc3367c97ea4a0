#include "plugin/stages/ptycho_dm/scan_memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "core/comm/node_place.hpp"

namespace ptychoflow::ptycho_dm {

using stage::Json;

std::uint64_t memory_of_this_rank() {
  const auto physical = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  return static_cast<std::uint64_t>(0.95 * physical / comm::place_on_node().size);
}

ScanMemory::ScanMemory(const Parameters& parameters, ptycho::Yx<Index> frame, int threads, ptycho::Gpu* gpu,
                       std::function<void(const std::string&)> info)
    : parameters_(parameters), frame_(frame), threads_(threads), gpu_(gpu), info_(std::move(info)) {}

void ScanMemory::plan_for(const Json& metadata) {
  Json size = {metadata.value("frame_count_local", Json()), metadata.value("object_px_local", Json())};
  if (planned_for_ == size) return;
  planned_for_ = std::move(size);
  const ptycho::Workload work = workload(metadata);
  if (gpu_) {
    const auto facts = gpu_->facts();
    gpu_plan_ = plan_batches(work, facts, parameters_.gpu.batch_views);
    info_("GPU memory:\n" + describe(gpu_plan_, facts));
    return;
  }
  if (!host_bytes_) host_bytes_ = memory_of_this_rank();
  const ptycho::MemoryBudget budget{*host_bytes_, !parameters_.scratch.empty(), std::max(1, threads_)};
  if (!parameters_.scratch.empty() && !scratch_) scratch_.emplace(parameters_.scratch);
  plan_ = plan_memory(work, budget);
  if (scratch_) scratch_->expect_room(plan_.in_scratch);
  info_("memory of a rank:\n" + describe(plan_, budget));
}

ptycho::Workload ScanMemory::workload(const Json& metadata) const {
  const Index frames = metadata.value("frame_count_local", Index{0});
  ptycho::Workload work;
  work.frame = frame_;
  if (const auto object = metadata.find("object_px_local"); object != metadata.end()) {
    work.object = {object->at(0), object->at(1)};
  }
  work.views = frames;
  work.scan_views = metadata.value("frame_count", frames);
  work.probe_modes = parameters_.probe_modes.value_or(parameters_.max_probe_modes);
  work.object_modes = parameters_.object_modes;
  work.real_bytes = parameters_.real_bytes();
  work.whole_sums = parameters_.settings.sums == ptycho::Sums::whole_numbers;
  work.live = parameters_.live.has_value();
  work.next_follows = parameters_.gpu.next_follows;
  return work;
}

std::unique_ptr<AnyFrameStore> ScanMemory::make_store(Index frames) {
  if (parameters_.precision == Precision::twofold)
    return std::make_unique<FrameStore<double>>(frame_, frames, magnitudes());
  return std::make_unique<FrameStore<float>>(frame_, frames, magnitudes());
}

bool ScanMemory::has_room_for_next(Index frames) const {
  return static_cast<std::uint64_t>(frames * frame_.y * frame_.x * parameters_.real_bytes()) <=
         gpu_plan_.next_magnitudes;
}

device::Memory* ScanMemory::magnitudes() {
  if (gpu_) return gpu_plan_.magnitudes_on_host ? gpu_->far_memory() : gpu_->memory();
  return plan_.magnitudes_in_scratch ? &*scratch_ : nullptr;
}

}  // namespace ptychoflow::ptycho_dm
