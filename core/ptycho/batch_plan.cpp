#include "core/ptycho/batch_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/error.hpp"
#include "core/ptycho/tile_lists.hpp"

namespace ptychoflow::ptycho {
namespace {

using Bytes = std::uint64_t;

Bytes pixels(Yx<Index> size) { return static_cast<Bytes>(size.y) * static_cast<Bytes>(size.x); }

Bytes bytes_of_lists(const Workload& work) {
  const Bytes tiles_reached = static_cast<Bytes>((work.frame.y / tile_side + 2) * (work.frame.x / tile_side + 2));
  const Bytes per_scan_view = 8 + 4 * tiles_reached, per_view = 12 + 4 + 16 + 4 * tiles_reached;
  return static_cast<Bytes>(work.scan_views) * per_scan_view + static_cast<Bytes>(work.views) * per_view +
         8 * (pixels(work.object) / (tile_side * tile_side) + 1);
}

Index choose_batch(const Workload& work, const DeviceFacts& device, Index lanes) {
  const Bytes wave = pixels(work.frame) * static_cast<Bytes>(2 * work.real_bytes * work.mode_pairs());
  const auto in_cache = static_cast<Index>(device.l2_bytes * 3 / 4 / (3 * wave * static_cast<Bytes>(lanes)));
  const auto busy = static_cast<Index>(static_cast<Bytes>(device.resident_threads) / pixels(work.frame)) + 1;
  return std::max(in_cache, busy);
}

enum class ExitWavesLie { on_the_device, with_the_processor };

BatchPlan plan_with(const Workload& work, Index batch, Index lanes, ExitWavesLie where) {
  const Bytes frame = pixels(work.frame), object = pixels(work.object), real = static_cast<Bytes>(work.real_bytes);
  const auto mode_pairs = static_cast<Bytes>(work.mode_pairs()), views = static_cast<Bytes>(work.views);
  const auto probes = static_cast<Bytes>(work.probe_modes), objects = static_cast<Bytes>(work.object_modes);
  BatchPlan plan;
  plan.batch_views = batch;
  plan.lanes = lanes;
  plan.exit_waves = views * mode_pairs * frame * 2 * real;
  plan.magnitudes = views * frame * real;
  plan.transform_work = static_cast<Bytes>(batch * lanes) * mode_pairs * frame * 2 * real;
  plan.exit_waves_on_host = where == ExitWavesLie::with_the_processor;
  plan.batch_waves = plan.transform_work * (plan.exit_waves_on_host ? 2 : 1);
  plan.fields = (2 * objects * 2 + 2) * object * real + (2 * probes * 2 + 2) * frame * real +
                static_cast<Bytes>(probe_parts) * probes * frame * 2 * real;
  if (work.whole_sums) plan.fields += 16 * (objects * object + (1 + static_cast<Bytes>(probe_parts)) * probes * frame);
  plan.lists = bytes_of_lists(work);
  return plan;
}

}  // namespace

BatchPlan plan_batches(const Workload& work, const DeviceFacts& device, Index asked) {
  const Index most = std::clamp<Index>(work.views, 1, most_views_in_a_batch);
  BatchPlan plan;
  for (const ExitWavesLie where : {ExitWavesLie::on_the_device, ExitWavesLie::with_the_processor}) {
    const Index lanes = std::min<Index>(work.views > 0 ? work.views : 1, where == ExitWavesLie::on_the_device ? 2 : 3);
    Index batch = std::clamp<Index>(asked > 0 ? asked : choose_batch(work, device, lanes), 1, most);
    plan = plan_with(work, batch, lanes, where);
    while (plan.total() > device.free_bytes && asked == 0 && batch > 1)
      plan = plan_with(work, batch /= 2, lanes, where);
    if (plan.total() <= device.free_bytes) {
      if (asked == 0 && batch < work.views) {  // batches of equal size
        const Index batches = (work.views + batch - 1) / batch;
        plan = plan_with(work, (work.views + batches - 1) / batches, lanes, where);
      }
      return plan;
    }
    if (plan.exit_waves > device.host_bytes) break;
  }
  throw Error(ErrorCode::resource, "the GPU's memory is too small for this scan:\n" + describe(plan, device) +
                                       "use more ranks with a GPU each, single precision or fewer modes" +
                                       (asked > 1 ? ", or a smaller batch_views" : "") +
                                       "; allow more of the processor's memory (memory: {host: …}); or run with "
                                       "--backend cpu");
}

std::string describe(const BatchPlan& plan, const DeviceFacts& device) {
  const std::array<std::pair<const char*, Bytes>, 9> lines = {
      {{plan.exit_waves_on_host ? "exit waves (processor's)" : "exit waves", plan.exit_waves},
       {"magnitudes", plan.magnitudes},
       {"waves of batches", plan.batch_waves},
       {"work area of transforms", plan.transform_work},
       {"probe, object and sums", plan.fields},
       {"lists of views", plan.lists},
       {"in all", plan.total()},
       {"copied in an iteration", plan.traffic_per_iteration()},
       {"free on the device", device.free_bytes}}};
  std::string text;
  for (const auto& [what, bytes] : lines) {
    text += fmt::format("  {:<24} {:>10.1f} MiB\n", what, static_cast<double>(bytes) / (1 << 20));
  }
  return text + fmt::format("  {:<24} {:>10} views, {} at once\n", "a batch", plan.batch_views, plan.lanes);
}

}  // namespace ptychoflow::ptycho
