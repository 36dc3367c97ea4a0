#include "core/ptycho/memory_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "core/base/error.hpp"
#include "core/device/simd.hpp"

namespace ptychoflow::ptycho {
namespace {

using Bytes = std::uint64_t;

constexpr Bytes program_bytes = Bytes{32} << 20;  // measured: libraries, MPI, HDF5, two blocks of frames

Bytes product(std::initializer_list<Index> factors) {
  Bytes result = 1;
  for (const Index f : factors) result *= static_cast<Bytes>(f);
  return result;
}

/// Exit waves lie in strips, whose last one may have lanes to spare.
Index padded_width(const Workload& work) {
  const Index lanes = work.real_bytes == 4 ? device::strip_lanes<float> : device::strip_lanes<double>;
  return (work.frame.x + lanes - 1) / lanes * lanes;
}

Bytes bytes_of_fields(const Workload& work) {
  const Index sum_bytes = work.whole_sums ? 16 : 0;                   // of whole numbers, beside the numerator
  const Index per_object_mode = 3 * 2 * work.real_bytes + sum_bytes;  // O, its planar copy, numerator
  const Index per_probe_mode = 3 * 2 * work.real_bytes + sum_bytes;
  const Bytes object = product({work.object.y, work.object.x}), frame = product({work.frame.y, work.frame.x});
  return object * static_cast<Bytes>(work.object_modes * per_object_mode + 2 * work.real_bytes) +
         frame * static_cast<Bytes>(work.probe_modes * per_probe_mode + 2 * work.real_bytes + 8);
}

Bytes bytes_of_threads(const Workload& work, Index threads) {
  const Bytes wave = product({work.frame.y, padded_width(work), 2, work.real_bytes});
  const Index number = work.whole_sums ? 8 : work.real_bytes;
  // Each block of views has sums over the rows that it touches: all blocks together, the object and a frame more each.
  const Index blocks = threads == 1 ? 1 : 6 * threads;
  const Index rows = std::min(work.object.y + blocks * work.frame.y, blocks * work.object.y);
  return static_cast<Bytes>(threads * work.mode_pairs()) * wave +
         product({work.object_modes, rows, 2, work.object.x, number});
}

std::string size_text(Bytes bytes) {
  const double MiB = static_cast<double>(bytes) / (1 << 20);
  return MiB < 10240 ? fmt::format("{:.1f} MiB", MiB) : fmt::format("{:.1f} GiB", MiB / 1024);
}

std::string figures(const MemoryPlan& plan, const MemoryBudget& budget) {
  std::string text;
  const auto line = [&](const char* what, Bytes bytes, const char* where) {
    text += fmt::format("  {:<26} {:>12}  {}\n", what, size_text(bytes), where);
  };
  line("exit waves", plan.exit_waves, plan.exit_waves_in_scratch ? "scratch" : "memory");
  if (plan.joining > 0) line("while views join", plan.joining, "memory");
  line("magnitudes", plan.magnitudes, plan.magnitudes_in_scratch ? "scratch" : "memory");
  line("probe, object and sums", plan.fields, "memory");
  line("waves and sums of threads", plan.threads, "memory");
  line("program", plan.program, "memory");
  line("in memory, at the most", plan.in_memory, "");
  line("may be used", budget.host_bytes, "");
  if (plan.in_scratch > 0) {
    line("on the disk", plan.in_scratch, "");
    line("disk traffic, an iteration", plan.traffic_per_iteration, "at the most");
  }
  return text;
}

}  // namespace

MemoryPlan plan_memory(const Workload& work, const MemoryBudget& budget) {
  MemoryPlan plan;
  plan.exit_waves = product({work.views, work.mode_pairs(), work.frame.y, padded_width(work), 2, work.real_bytes});
  plan.joining = work.live ? plan.exit_waves : 0;
  plan.magnitudes = product({work.views, work.frame.y, work.frame.x, work.real_bytes});
  plan.fields = bytes_of_fields(work);
  plan.threads = bytes_of_threads(work, budget.threads);
  plan.program = program_bytes;
  plan.in_memory = plan.total();
  if (plan.in_memory <= budget.host_bytes || work.views == 0) return plan;

  const Bytes fixed = plan.fields + plan.threads + plan.program;
  const auto views = static_cast<Bytes>(work.views);
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::resource,
                what + ":\n" + figures(plan, budget) +
                    "use more ranks, single precision or fewer modes; or allow more (memory: {host: …})" +
                    (budget.scratch ? "" : ", or a folder for what does not fit (memory: {scratch: DIR})"));
  };
  if (!budget.scratch) refuse("the memory of a rank is too small for this scan");
  // Magnitudes stay if half of the budget holds them beside what must be there.
  plan.exit_waves_in_scratch = true;
  plan.magnitudes_in_scratch = fixed + plan.magnitudes > budget.host_bytes / 2;
  const Bytes kept = fixed + (plan.magnitudes_in_scratch ? 0 : plan.magnitudes);
  const Bytes per_view = (plan.exit_waves + (plan.magnitudes_in_scratch ? plan.magnitudes : 0)) / views;
  const Bytes room = budget.host_bytes > kept ? budget.host_bytes - kept : 0;
  // Slabs as small as keep threads busy, or an eighth of the room.
  const auto least = static_cast<Bytes>(2 * budget.threads);
  plan.slab_views = static_cast<Index>(std::max(least, room / 8 / per_view));
  plan.resident_slabs = static_cast<Index>(room / per_view / static_cast<Bytes>(plan.slab_views));
  plan.in_memory = kept + static_cast<Bytes>(plan.resident_slabs * plan.slab_views) * per_view;
  plan.in_scratch = per_view * views;
  if (plan.resident_slabs < 3) {
    refuse(fmt::format("memory: host: too little even with scratch: three times {} views of {} each must fit",
                       plan.slab_views, size_text(per_view)));
  }
  // Exit waves are read in two sweeps and written in one. A sweep finds the slabs that the one before left.
  const Bytes away = views - std::min(views, static_cast<Bytes>((plan.resident_slabs - 2) * plan.slab_views));
  plan.traffic_per_iteration =
      away * (3 * plan.exit_waves + (plan.magnitudes_in_scratch ? 2 * plan.magnitudes : 0)) / views;
  return plan;
}

std::string describe(const MemoryPlan& plan, const MemoryBudget& budget) { return figures(plan, budget); }

std::optional<std::uint64_t> bytes_of(const std::string& size) {
  if (size == "auto") return std::nullopt;
  char* end = nullptr;
  const double number = std::strtod(size.c_str(), &end);
  std::string unit(end);
  unit.erase(0, unit.find_first_not_of(' '));
  constexpr std::array<std::pair<const char*, double>, 9> units = {{{"B", 1},
                                                                    {"kB", 1e3},
                                                                    {"MB", 1e6},
                                                                    {"GB", 1e9},
                                                                    {"TB", 1e12},
                                                                    {"KiB", 0x1p10},
                                                                    {"MiB", 0x1p20},
                                                                    {"GiB", 0x1p30},
                                                                    {"TiB", 0x1p40}}};
  for (const auto& [name, factor] : units) {
    if (unit == name && end != size.c_str() && number > 0 && std::isfinite(number))
      return static_cast<std::uint64_t>(number * factor);
  }
  throw Error(ErrorCode::usage,
              fmt::format("memory: '{}' is no size: give a number and a unit, B, kB, MB, GB, TB, KiB, "
                          "MiB, GiB or TiB, as in 8GiB; or auto",
                          size));
}

}  // namespace ptychoflow::ptycho
