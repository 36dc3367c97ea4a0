#include "core/ptycho/batch_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

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

/// What stays with the processor, and whether the next scan's magnitudes have room beside this one's.
struct Choice {
  bool magnitudes_away, exit_waves_away, next_magnitudes;
};

/// From the fastest on.
std::vector<Choice> choices(const Workload& work) {
  std::vector<Choice> all;
  const auto add = [&](bool magnitudes_away, bool exit_waves_away) {
    const bool device_has_room = magnitudes_away || !exit_waves_away;  // for the next scan's magnitudes
    if (work.next_follows && device_has_room) all.push_back({magnitudes_away, exit_waves_away, true});
    all.push_back({magnitudes_away, exit_waves_away, false});
  };
  const bool may_stay = work.magnitudes != MagnitudesLie::with_the_processor;
  const bool may_leave = work.magnitudes != MagnitudesLie::on_the_device;
  if (may_stay) add(false, false);
  if (may_stay && !may_leave) add(false, true);
  if (may_leave) add(true, false);
  if (may_leave) add(true, true);
  return all;
}

/// What comes and goes of a view.
Bytes bytes_that_come(const BatchPlan& plan, const Workload& work) {
  const Bytes frame = pixels(work.frame), real = static_cast<Bytes>(work.real_bytes);
  return (plan.exit_waves_on_host ? static_cast<Bytes>(work.mode_pairs()) * frame * 2 * real : 0) +
         (plan.magnitudes_on_host ? frame * real : 0);
}

void take_blocks(BatchPlan& plan, const Workload& work, Index views) {
  const Index before = std::exchange(plan.block_views, views);
  plan.batch_waves += static_cast<Bytes>((views - before) * plan.lanes) * bytes_that_come(plan, work);
}

BatchPlan plan_with(const Workload& work, Index batch, Index lanes, Choice choice) {
  const Bytes frame = pixels(work.frame), object = pixels(work.object), real = static_cast<Bytes>(work.real_bytes);
  const auto mode_pairs = static_cast<Bytes>(work.mode_pairs()), views = static_cast<Bytes>(work.views);
  const auto probes = static_cast<Bytes>(work.probe_modes), objects = static_cast<Bytes>(work.object_modes);
  BatchPlan plan;
  plan.batch_views = batch;
  plan.lanes = lanes;
  plan.exit_waves = views * mode_pairs * frame * 2 * real;
  plan.joining = work.live ? plan.exit_waves : 0;
  plan.magnitudes = views * frame * real;
  plan.transform_work = static_cast<Bytes>(batch * lanes) * mode_pairs * frame * 2 * real;
  plan.batch_waves = plan.transform_work;
  plan.next_magnitudes = choice.next_magnitudes ? plan.magnitudes : 0;
  plan.magnitudes_on_host = choice.magnitudes_away;
  plan.exit_waves_on_host = choice.exit_waves_away;
  if (choice.exit_waves_away) plan.exit_waves_away = plan.exit_waves;
  take_blocks(plan, work, batch);
  const Bytes parts = static_cast<Bytes>(probe_parts) * (2 * probes + 1) * frame;
  plan.fields = (2 * objects * 2 + 2) * object * real + (2 * probes * 2 + 2) * frame * real +
                parts * (work.whole_sums ? 8 : real);
  if (work.live) plan.fields += ((2 * objects + 1) * object + 2 * probes * frame) * real;  // of a preview
  if (work.whole_sums) plan.fields += 16 * (objects * object + probes * frame) + 8 * frame;
  plan.lists = bytes_of_lists(work);
  return plan;
}

/// So that a copy takes long beside its start, and sums over a block short beside its exit waves.
constexpr Index most_views_in_a_block = 256;

/// Blocks of several batches, where there is room: in all lanes an eighth of the memory at most.
void enlarge_blocks(BatchPlan& plan, const Workload& work, Bytes free) {
  const Bytes of_view = static_cast<Bytes>(plan.lanes) * bytes_that_come(plan, work);
  if (of_view == 0) return;
  const auto room = static_cast<Index>(std::min(free / 8, free - plan.total()) / of_view);
  const Index views = std::min({plan.block_views + room, most_views_in_a_block, work.views});
  take_blocks(plan, work, std::max(views / plan.batch_views, Index{1}) * plan.batch_views);
}

/// Exit waves of as many views as there is room for stay on the device, in whole blocks. Transforms may take twice the
/// work area that was planned.
void keep_some(BatchPlan& plan, const Workload& work, Bytes free) {
  const Bytes taken = plan.total() + plan.transform_work;
  if (!plan.exit_waves_on_host || work.views == 0 || taken >= free) return;
  const Bytes of_view = plan.exit_waves / static_cast<Bytes>(work.views);
  const auto room = static_cast<Index>((free - taken) / of_view);
  plan.resident_views = std::min(room, work.views) / plan.block_views * plan.block_views;
  plan.exit_waves_away -= static_cast<Bytes>(plan.resident_views) * of_view;
}

}  // namespace

BatchPlan plan_batches(const Workload& work, const DeviceFacts& device, Index asked) {
  const Index most = std::clamp<Index>(work.views, 1, most_views_in_a_batch);
  BatchPlan plan;
  for (const Choice choice : choices(work)) {
    const bool comes = choice.magnitudes_away || choice.exit_waves_away;
    const Index lanes = std::min<Index>(work.views > 0 ? work.views : 1, comes ? 3 : 2);
    Index batch = std::clamp<Index>(asked > 0 ? asked : choose_batch(work, device, lanes), 1, most);
    const BatchPlan next = plan_with(work, batch, lanes, choice);
    const bool first = plan.batch_views == 0, allowed = next.on_host() <= device.host_bytes;
    if (choice.next_magnitudes && (!allowed || next.total() > device.free_bytes)) continue;
    if (first || allowed) plan = next;
    if (!allowed) break;
    while (plan.total() > device.free_bytes && asked == 0 && batch > 1)
      plan = plan_with(work, batch /= 2, lanes, choice);
    if (plan.total() <= device.free_bytes) {
      if (asked == 0 && batch < work.views) {  // batches of equal size
        const Index batches = (work.views + batch - 1) / batch;
        plan = plan_with(work, (work.views + batches - 1) / batches, lanes, choice);
      }
      enlarge_blocks(plan, work, device.free_bytes);
      keep_some(plan, work, device.free_bytes);
      return plan;
    }
  }
  throw Error(ErrorCode::resource, "the GPU's memory is too small for this scan:\n" + describe(plan, device) +
                                       "use more ranks with a GPU each, single precision or fewer modes" +
                                       (asked > 1 ? ", or a smaller batch_views" : "") +
                                       "; allow more of the processor's memory (memory: {host: …}); or run with "
                                       "--backend cpu");
}

std::string describe(const BatchPlan& plan, const DeviceFacts& device) {
  const std::array<std::pair<const char*, Bytes>, 11> lines = {
      {{"exit waves", plan.exit_waves},
       {"  that come and go", plan.exit_waves_away},
       {plan.magnitudes_on_host ? "magnitudes, which come" : "magnitudes", plan.magnitudes},
       {"  of the next scan", plan.next_magnitudes},
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
