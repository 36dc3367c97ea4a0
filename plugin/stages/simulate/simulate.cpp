// A source: makes a scan, or one for each angle of a tomogram, with known truth, each rank its own frames.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "core/comm/communicator.hpp"
#include "core/ptycho/simulator.hpp"
#include "plugin/api/stage.hpp"
#include "plugin/stages/simulate/parameters.hpp"
#include "plugin/stages/simulate/series.hpp"
#include "simulate_schema.hpp"

namespace ptychoflow::stage {
namespace {

constexpr Index block_bytes =
    Index{16} << 20;  // of frames in one packet: progress is seen, and little memory is in flight

class Simulate : public Stage {
 public:
  Description configure(const Json& params, const Description& input) override;
  bool produce() override;
  std::string current_scan() const override { return ended_ ? "" : series_->scan_name(number_); }
  void abandon_scan() override;

 private:
  void plan_scan();
  Description declared(Description out) const;
  void begin();
  Packet frames(std::span<const Index> numbers);
  void add_truth(Packet& packet);
  void move_on();
  bool all_should_stop() const;

  std::optional<Series> series_;
  std::optional<ptycho::Sharing> sharing_;
  Index number_ = 0;                            ///< of the scan that is being simulated, or is next
  std::optional<ptycho::SimulationPlan> plan_;  ///< of a scan that has not begun
  std::optional<ptycho::Simulator> simulator_;  ///< of one that has
  std::optional<device::ThreadPool> pool_;
  Json metadata_;                     ///< of the scan
  std::vector<Index> share_;          ///< this rank's frames of the scan
  std::size_t done_ = 0;              ///< of them
  std::optional<Index> volume_sent_;  ///< with which scan the true volume went out
  bool ended_ = false;                ///< no more scans
};

Description Simulate::configure(const Json& params, const Description& input) {
  auto parameters = simulate_parameters(params);
  sharing_ = parameters.sharing;
  series_.emplace(std::move(parameters));
  plan_scan();
  if (speaks_for_all()) {
    for (const auto& warning : plan_->warnings) warn(warning);
  }
  Description output = declared(input);
  number_ = static_cast<Index>(group().number);
  ended_ = number_ >= series_->scan_count();
  if (number_ > 0) plan_.reset();  // of the first scan, which is another group's
  return output;
}

/// Plans scan `number_`: which frames are this rank's, and what its packets say.
void Simulate::plan_scan() {
  plan_.emplace(series_->plan(number_));
  const auto& optics = plan_->settings.optics;
  const auto& positions_m = plan_->positions_m;
  const double view_height_m = ptycho::object_pixel_m(optics).y * static_cast<double>(optics.frame.y);
  const ptycho::Sharing chosen =
      sharing_ ? *sharing_ : ptycho::better_sharing(positions_m, view_height_m, host().rank_count);
  share_ = ptycho::share_of_views(positions_m, chosen, host().rank, host().rank_count);
  const ptycho::Layout layout = ptycho::lay_out(optics, positions_m);
  const auto here = ptycho::foresee(layout, positions_m, chosen, host().rank, host().rank_count);
  metadata_ = {{"scan", series_->scan_name(number_)},
               {"source", "simulate"},
               {"frame_count", plan_->settings.frame_count},
               {"frame_count_local", share_.size()},
               {"object_px_local", {here.rows.size(), layout.object.x}},
               {"wavelength_m", optics.wavelength_m},
               {"distance_m", optics.distance_m},
               {"detector_pixel_m", {optics.detector_pixel_m.y, optics.detector_pixel_m.x}},
               {"rotation_deg", series_->rotation_deg(number_)}};
  if (series_->is_tomogram()) {
    const auto shift = series_->shift_px(number_);
    metadata_["series"] = series_->name();
    metadata_["scan_count"] = series_->scan_count();
    metadata_["truth_shift_px"] = {shift.y, shift.x};
  }
}

Description Simulate::declared(Description out) const {
  const auto& settings = plan_->settings;
  const auto [ny, nx] = settings.optics.frame;
  const char* count_type = settings.noise == ptycho::Noise::none ? "float64" : "uint32";
  out.add("frames", count_type, {nullptr, ny, nx}, "frame:y:x", "count");
  out.add("frame_index", "int64", {nullptr}, "frame", "");
  out.add("positions_m", "float64", {nullptr, 2}, "frame:y,x", "m");
  out.add("mask", "uint8", {ny, nx}, "y:x", "");
  out.add("truth_object", "complex128", {1, plan_->object_shape.y, plan_->object_shape.x}, "mode:y:x", "");
  out.add("truth_probe", "complex128", {plan_->modes.extent(0), ny, nx}, "mode:y:x", "√count");
  out.add("truth_offset_px", "int32", {settings.frame_count, 2}, "frame:y,x", "px");
  out.metadata.update(metadata_);
  if (series_->is_tomogram()) {
    out.add("truth_volume", "float32", series_->volume_shape(), "z:y:x", "1");
    // What differs from scan to scan is on their packets alone.
    for (const char* key : {"scan", "rotation_deg", "truth_shift_px"}) out.metadata.erase(key);
  }
  return out;
}

void Simulate::begin() {
  if (!plan_) plan_scan();
  if (!pool_) pool_.emplace(std::max(1, static_cast<int>(host().threads)));
  if (number_ == 0) {
    Json figures{{"probe_diameter_m", plan_->probe_diameter_m},
                 {"step_m", plan_->step_m},
                 {"overlap", plan_->overlap},
                 {"object_px", {plan_->object_shape.y, plan_->object_shape.x}},
                 {"photons", plan_->settings.photons}};
    figures.update(series_->figures());
    report(figures);
  }
  simulator_.emplace(series_->simulator(std::move(*plan_), number_, *pool_));
  plan_.reset();
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

void Simulate::add_truth(Packet& packet) {
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
  if (series_->is_tomogram() && speaks_for_all() && !volume_sent_) {
    packet.tensors["truth_volume"] = Tensor::own(series_->volume(*pool_));
    volume_sent_ = number_;
  }
}

bool Simulate::produce() {
  if (ended_) return false;
  const bool first = !simulator_;
  if (first) begin();
  if (!series_->is_tomogram() && should_stop()) {
    throw Error(ErrorCode::other, "stopped by the user while the scan was being simulated");
  }
  const auto [ny, nx] = simulator_->plan().settings.optics.frame;
  const auto frame_bytes = static_cast<Index>(sizeof(double)) * ny * nx;
  const auto block = static_cast<std::size_t>(std::max<Index>(1, block_bytes / frame_bytes));
  const auto numbers = std::span<const Index>(share_).subspan(done_, std::min(share_.size() - done_, block));
  Packet packet = frames(numbers);
  done_ += numbers.size();
  if (first) add_truth(packet);
  const bool last = done_ == share_.size();
  if (last) packet.metadata["ends_scan"] = true;
  const std::string which =
      series_->is_tomogram() ? fmt::format(" of scan {} of {}", number_ + 1, series_->scan_count()) : "";
  progress(static_cast<Index>(done_), static_cast<Index>(share_.size()), "frames simulated" + which);
  emit(packet);
  if (last) {
    if (series_->is_tomogram() && all_should_stop()) ended_ = true;  // between two scans nothing is lost
    move_on();
  }
  return !ended_;
}

/// To the next scan, on all ranks alike: they have agreed that the one before is done, or bad.
void Simulate::move_on() {
  simulator_.reset();
  plan_.reset();
  done_ = 0;
  const Index next = number_ + static_cast<Index>(group().count);
  if (next < series_->scan_count()) {
    number_ = next;
  } else {
    ended_ = true;
  }
}

void Simulate::abandon_scan() {
  if (volume_sent_ == number_) volume_sent_.reset();  // what came with the scan is forgotten with it
  move_on();
}

/// Ranks may learn at different moments that the user wants to stop. Collective.
bool Simulate::all_should_stop() const {
  agree();
  return comm::Communicator(host().mpi_communicator(&host())).max(should_stop() ? 1 : 0) > 0;
}

}  // namespace
}  // namespace ptychoflow::stage

PTYCHOFLOW_STAGE(
    ptychoflow::stage::Simulate, .name = "simulate",
    .summary = "Makes scans with known truth: specimen, zone-plate probe, partial coherence, photon noise, tomograms",
    .parameters_schema = simulate_schema, .consumes = {},
    .produces = {"frames", "frame_index", "positions_m", "mask", "truth_object", "truth_probe", "truth_offset_px",
                 "truth_volume"})
