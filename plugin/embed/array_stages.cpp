#include "plugin/embed/array_stages.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/device/thread_pool.hpp"

namespace ptychoflow::embed {
namespace {

using stage::Description;
using stage::Json;
using stage::Packet;
using stage::Tensor;

constexpr const char* no_parameters = R"({"type": "object", "additionalProperties": false})";
constexpr std::int64_t block_frames = 64;

Exchange* under_way = nullptr;

/// Entries first … first + count − 1 of an array, without a copy.
Tensor lend(const LentArray& array, std::int64_t first, std::int64_t count) {
  struct Held {
    DLManagedTensor managed{};
    std::vector<std::int64_t> extents;
  };
  auto held = std::make_unique<Held>();
  held->extents = array.shape;
  std::int64_t entry_bytes = array.type.bits / 8;
  for (std::size_t a = 1; a < array.shape.size(); ++a) entry_bytes *= array.shape[a];
  held->extents[0] = count;
  held->managed.dl_tensor = {.data = static_cast<char*>(array.data) + first * entry_bytes,
                             .device = {kDLCPU, 0},
                             .ndim = static_cast<int>(held->extents.size()),
                             .dtype = array.type,
                             .shape = held->extents.data(),
                             .strides = nullptr,
                             .byte_offset = 0};
  held->managed.manager_ctx = held.get();
  held->managed.deleter = [](DLManagedTensor* self) { delete static_cast<Held*>(self->manager_ctx); };
  return Tensor(&held.release()->managed);
}

Tensor lend(const LentArray& array) { return lend(array, 0, array.shape[0]); }

class Arrays : public stage::Stage {
 public:
  Description configure(const Json&, const Description&) override {
    const auto& frames = scan_.frames;
    const std::int64_t count = frames.shape[0];
    if (host().rank_count > count) throw Error(ErrorCode::usage, "there are more ranks than frames: use fewer");
    share_ = device::share_of(count, host().rank, host().rank_count);
    next_ = share_.first;
    Description out;
    out.add("frames", stage::type_name(frames.type), {nullptr, frames.shape[1], frames.shape[2]}, "frame:y:x", "count");
    out.add("frame_index", "int64", Json::array({nullptr}), "frame", "");
    out.add("positions_m", "float64", {nullptr, 2}, "frame:y,x", "m");
    if (scan_.mask) out.add("mask", "uint8", {frames.shape[1], frames.shape[2]}, "y:x", "");
    if (const auto& probe = scan_.initial_probe)
      out.add("initial_probe", stage::type_name(probe->type), probe->shape, "mode:y:x", "√count");
    out.metadata = scan_.metadata;
    out.metadata.update({{"frame_count", count}, {"frame_count_local", share_.size()}});
    metadata_ = out.metadata;
    return out;
  }

  bool produce() override {
    const std::int64_t count = std::min(block_frames, share_.last - next_);
    Packet packet;
    packet.metadata = metadata_;
    packet.tensors.emplace("frames", lend(scan_.frames, next_, count));
    packet.tensors.emplace("positions_m", lend(scan_.positions_m, next_, count));
    std::vector<std::int64_t> numbers;
    for (std::int64_t i = 0; i < count; ++i) numbers.push_back(next_ + i);
    packet.tensors.emplace("frame_index", Tensor::own(std::move(numbers), {count}));
    if (next_ == share_.first) {
      if (scan_.mask) packet.tensors.emplace("mask", lend(*scan_.mask));
      if (scan_.initial_probe) packet.tensors.emplace("initial_probe", lend(*scan_.initial_probe));
    }
    next_ += count;
    if (next_ == share_.last) packet.metadata["ends_scan"] = true;
    emit(packet);
    return next_ < share_.last;
  }

 private:
  const Scan& scan_ = under_way->scan;
  device::Share share_{0, 0};
  std::int64_t next_ = 0;
  Json metadata_;
};

class Result : public stage::Stage {
 public:
  Description configure(const Json&, const Description& input) override { return input; }
  void process(Packet& packet) override { result_ = std::exchange(packet, {}); }

 private:
  Packet& result_ = under_way->result;
};

}  // namespace

Exchanging::Exchanging(Exchange& exchange) { under_way = &exchange; }
Exchanging::~Exchanging() { under_way = nullptr; }

const ptychoflow_stage_descriptor* arrays_stage() {
  return stage::Binding<Arrays>::describe(
      {.name = "arrays",
       .summary = "Frames in the memory of the program around it",
       .parameters_schema = no_parameters,
       .produces = {"frames", "frame_index", "positions_m", "mask", "initial_probe"}});
}

const ptychoflow_stage_descriptor* result_stage() {
  return stage::Binding<Result>::describe({.name = "result",
                                           .summary = "Keeps what comes for the program around it",
                                           .parameters_schema = no_parameters,
                                           .consumes = {"object", "probe"}});
}

}  // namespace ptychoflow::embed
