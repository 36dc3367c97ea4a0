// A source: makes a scan with known truth, each rank its own frames.
#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "core/ptycho/simulator.hpp"
#include "plugin/api/stage.hpp"
#include "plugin/stages/simulate/parameters.hpp"
#include "simulate_schema.hpp"

namespace ptychoflow::stage {
namespace {

constexpr Index block_bytes =
    Index{16} << 20;  // of frames in one packet: progress is seen, and little memory is in flight

class Simulate : public Stage {
 public:
  Description configure(const Json& params, const Description& input) override;
  bool produce() override;
  std::string current_scan() const override { return metadata_.value("scan", ""); }
  void abandon_scan() override { ended_ = true; }

 private:
  void begin();
  Packet frames(std::span<const Index> numbers);
  void add_truth(Packet& packet) const;

  std::optional<ptycho::SimulationPlan> plan_;
  std::optional<ptycho::Simulator> simulator_;
  std::optional<device::ThreadPool> pool_;
  Json metadata_;
  std::vector<Index> share_;  ///< this rank's frames
  std::size_t done_ = 0;      ///< of them
  bool ended_ = false;
};

Description Simulate::configure(const Json& params, const Description& input) {
  const auto [name, settings, sharing] = simulate_parameters(params);
  plan_.emplace(settings);
  if (is_root()) {
    for (const auto& warning : plan_->warnings) warn(warning);
  }
  const double view_height_m = ptycho::object_pixel_m(settings.optics).y * static_cast<double>(settings.optics.frame.y);
  const ptycho::Sharing chosen =
      sharing ? *sharing : ptycho::better_sharing(plan_->positions_m, view_height_m, host().rank_count);
  share_ = ptycho::share_of_views(plan_->positions_m, chosen, host().rank, host().rank_count);
  const ptycho::Layout layout = ptycho::lay_out(settings.optics, plan_->positions_m);
  const auto here = ptycho::foresee(layout, plan_->positions_m, chosen, host().rank, host().rank_count);

  Description out = input;
  const auto [ny, nx] = settings.optics.frame;
  const char* count_type = settings.noise == ptycho::Noise::none ? "float64" : "uint32";
  out.add("frames", count_type, {nullptr, ny, nx}, "frame:y:x", "count");
  out.add("frame_index", "int64", {nullptr}, "frame", "");
  out.add("positions_m", "float64", {nullptr, 2}, "frame:y,x", "m");
  out.add("mask", "uint8", {ny, nx}, "y:x", "");
  out.add("truth_object", "complex128", {1, plan_->object_shape.y, plan_->object_shape.x}, "mode:y:x", "");
  out.add("truth_probe", "complex128", {plan_->modes.extent(0), ny, nx}, "mode:y:x", "√count");
  out.add("truth_offset_px", "int32", {settings.frame_count, 2}, "frame:y,x", "px");
  metadata_ = {{"scan", name},
               {"source", "simulate"},
               {"frame_count", settings.frame_count},
               {"frame_count_local", share_.size()},
               {"object_px_local", {here.rows.size(), layout.object.x}},
               {"wavelength_m", settings.optics.wavelength_m},
               {"distance_m", settings.optics.distance_m},
               {"detector_pixel_m", {settings.optics.detector_pixel_m.y, settings.optics.detector_pixel_m.x}},
               {"rotation_deg", 0.0}};
  out.metadata.update(metadata_);
  return out;
}

void Simulate::begin() {
  report({{"probe_diameter_m", plan_->probe_diameter_m},
          {"step_m", plan_->step_m},
          {"overlap", plan_->overlap},
          {"object_px", {plan_->object_shape.y, plan_->object_shape.x}},
          {"photons", plan_->settings.photons}});
  simulator_.emplace(std::move(*plan_));
  plan_.reset();
  pool_.emplace(std::max(1, static_cast<int>(host().threads)));
}

Packet Simulate::frames(std::span<const Index> numbers) {
  const auto count = static_cast<Index>(numbers.size());
  Index done = 0;
  const auto& plan = simulator_->plan();
  const ptycho::Yx<Index> frame = plan.settings.optics.frame;
  Packet packet;
  packet.metadata = metadata_;
  if (plan.settings.noise == ptycho::Noise::none) {
    auto photons = device::Array<double, 3>::uninitialized({count, frame.y, frame.x});
    ptycho::for_runs(numbers, [&](Index first, Index n) {
      simulator_->expect_frames(first, {photons[done].data(), {n, frame.y, frame.x}}, *pool_);
      done += n;
    });
    packet.tensors["frames"] = Tensor::own(std::move(photons));
  } else {
    auto counts = device::Array<std::uint32_t, 3>::uninitialized({count, frame.y, frame.x});
    ptycho::for_runs(numbers, [&](Index first, Index n) {
      simulator_->expose(first, {counts[done].data(), {n, frame.y, frame.x}}, *pool_);
      done += n;
    });
    packet.tensors["frames"] = Tensor::own(std::move(counts));
  }
  auto index = device::Array<std::int64_t, 1>::uninitialized({count});
  auto positions = device::Array<double, 2>::uninitialized({count, 2});
  for (Index j = 0; j < count; ++j) {
    index(j) = numbers[static_cast<std::size_t>(j)];
    const auto& at = plan.positions_m[static_cast<std::size_t>(index(j))];
    positions(j, 0) = at.y;
    positions(j, 1) = at.x;
  }
  packet.tensors["frame_index"] = Tensor::own(std::move(index));
  packet.tensors["positions_m"] = Tensor::own(std::move(positions));
  return packet;
}

void Simulate::add_truth(Packet& packet) const {
  const auto& plan = simulator_->plan();
  const auto& object = simulator_->object();
  packet.tensors["mask"] = Tensor::own(device::Array<std::uint8_t, 2>::copy_of(plan.mask));
  packet.tensors["truth_object"] = Tensor::own(ptycho::Field::copy_of(object), {1, object.extent(0), object.extent(1)});
  packet.tensors["truth_probe"] = Tensor::own(device::Array<Complex<double>, 3>::copy_of(plan.modes));
  auto offsets = device::Array<std::int32_t, 2>::uninitialized({plan.settings.frame_count, 2});
  for (Index j = 0; j < plan.settings.frame_count; ++j) {
    const auto first = plan.offset_px(j);
    offsets(j, 0) = static_cast<std::int32_t>(first.y);
    offsets(j, 1) = static_cast<std::int32_t>(first.x);
  }
  packet.tensors["truth_offset_px"] = Tensor::own(std::move(offsets));
}

bool Simulate::produce() {
  if (ended_) return false;
  const bool first = !simulator_;
  if (first) begin();
  if (should_stop()) throw Error(ErrorCode::other, "stopped by the user while the scan was being simulated");
  const auto [ny, nx] = simulator_->plan().settings.optics.frame;
  const auto frame_bytes = static_cast<Index>(sizeof(double)) * ny * nx;
  const auto block = static_cast<std::size_t>(std::max<Index>(1, block_bytes / frame_bytes));
  const auto numbers = std::span<const Index>(share_).subspan(done_, std::min(share_.size() - done_, block));
  Packet packet = frames(numbers);
  done_ += numbers.size();
  if (first) add_truth(packet);
  ended_ = done_ == share_.size();
  if (ended_) packet.metadata["ends_scan"] = true;
  progress(static_cast<Index>(done_), static_cast<Index>(share_.size()), "frames simulated");
  emit(packet);
  return !ended_;
}

}  // namespace
}  // namespace ptychoflow::stage

PTYCHOFLOW_STAGE(
    ptychoflow::stage::Simulate, .name = "simulate",
    .summary = "Makes a scan with known truth: specimen, zone-plate probe, partial coherence, photon noise.",
    .parameters_schema = simulate_schema, .consumes = {},
    .produces = {"frames", "frame_index", "positions_m", "mask", "truth_object", "truth_probe", "truth_offset_px"})
