// Stage `align`: collects the projections of a tomographic series, and passes them on as one aligned stack.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>

#include "align_schema.hpp"
#include "core/base/units.hpp"
#include "core/comm/communicator.hpp"
#include "core/tomo/alignment.hpp"
#include "core/tomo/projection_stack.hpp"
#include "plugin/api/stage.hpp"
#include "plugin/stages/align/collected.hpp"

namespace ptychoflow {
namespace {

using stage::Description;
using stage::Json;
using stage::Packet;
using stage::Tensor;

/// What belongs to one scan and has no place beside a stack of many. Other tensors are kept for the stack's packet.
bool is_of_one_scan(const std::string& tensor) {
  constexpr std::array names{"absorption",  "frame_index",  "frames",         "initial_probe", "mask",
                             "object",      "phase",        "phase_weight",   "positions_m",   "probe",
                             "truth_probe", "truth_object", "truth_offset_px"};
  constexpr std::array prefixes{"history_", "object_", "probe_", "view_"};
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return tensor == name; }) ||
         std::any_of(prefixes.begin(), prefixes.end(), [&](const char* start) { return tensor.starts_with(start); });
}

double rms(const std::vector<tomo::Shift>& shifts) {
  double sum = 0;
  for (const auto& s : shifts) sum += s.y_px * s.y_px + s.x_px * s.x_px;
  return std::sqrt(sum / static_cast<double>(shifts.size()));
}

double largest(const std::vector<tomo::Shift>& shifts) {
  double most = 0;
  for (const auto& s : shifts) most = std::max({most, std::abs(s.y_px), std::abs(s.x_px)});
  return most;
}

class Align : public stage::Stage {
 public:
  Description configure(const Json& params, const Description& input) override {
    const std::string method = params.value("method", "refine");
    settings_.method = method == "none"      ? tomo::AlignmentMethod::none
                       : method == "profile" ? tomo::AlignmentMethod::profile
                                             : tomo::AlignmentMethod::refine;
    settings_.max_iterations = params.value("max_iterations", settings_.max_iterations);
    settings_.max_shift_px = params.value("max_shift_px", settings_.max_shift_px);
    settings_.vertical = params.value("vertical", true);
    settings_.horizontal = params.value("horizontal", true);
    if (const auto axis = params.find("rotation_axis_px"); axis != params.end() && axis->is_number())
      settings_.axis_px = axis->get<double>();

    Description output;
    output.metadata = input.metadata;
    for (const char* of_one_scan : {"scan", "rotation_deg", "object_origin_m", "ends_scan"})
      output.metadata.erase(of_one_scan);
    for (const auto& [name, tensor] : input.tensors.items()) {
      if (!is_of_one_scan(name)) output.tensors[name] = tensor;
    }
    output.add("projections", "float32", {nullptr, nullptr, nullptr}, "angle:y:x", "rad");
    if (input.has("absorption"))
      output.add("absorption_projections", "float32", {nullptr, nullptr, nullptr}, "angle:y:x", "1");
    output.add("projection_deg", "float64", {nullptr}, "angle", "deg");
    output.add("projection_shift_px", "float64", {nullptr, 2}, "angle:axis", "px");
    return output;
  }

  void process(Packet& packet) override {
    if (packet.has("phase")) collect(packet);
    for (auto& [name, tensor] : packet.tensors) {
      if (!is_of_one_scan(name)) kept_.tensors.emplace(name, std::move(tensor));
    }
    if (const auto series = packet.metadata.find("series"); series != packet.metadata.end() && series->is_string())
      series_ = series->get<std::string>();
  }

  bool gathers() const override { return true; }

  /// The root alone makes the stack. The others wait for it to come to an end, good or bad, and learn what they need
  /// for a packet like its own.
  void finalize() override {
    const comm::Communicator ranks(host().mpi_communicator(&host()));
    agree();
    align::gather(collected_, ranks);
    Json metadata;  // null: nothing is to be sent
    if (is_root() && !stopped("before it began")) metadata = make_stack();
    agree();
    std::string text = metadata.dump();
    ranks.broadcast(text);
    metadata = Json::parse(text);
    if (metadata.is_null()) return;
    kept_.metadata = std::move(metadata);
    emit(kept_);
  }

 private:
  bool stopped(const char* when) const {
    if (!should_stop()) return false;
    warn(fmt::format("asked to stop: alignment of {} projections ends {}, and passes nothing on", collected_.size(),
                     when));
    return true;
  }

  void collect(Packet& packet) {
    align::Collected c;
    tomo::Projection& p = c.projection;
    p.scan = packet.metadata.value("scan", "");
    const auto rotation = packet.metadata.find("rotation_deg");
    if (rotation == packet.metadata.end() || !rotation->is_number()) {
      throw Error(ErrorCode::data,
                  fmt::format("scan '{}' came without rotation_deg, and a series is aligned by the angle "
                              "of each of its scans: give the scan its angle where it is loaded",
                              p.scan));
    }
    p.rotation_deg = rotation->get<double>();
    p.pixel_size_m = known<std::array<double, 2>>(packet, "pixel_size_m");
    p.origin_m = known<std::array<double, 2>>(packet, "object_origin_m");
    c.wavelength_m = known<double>(packet, "wavelength_m");
    c.phase = packet.take("phase");
    c.weight = packet.take("phase_weight");
    c.absorption = packet.take("absorption");
    c.look_at_images();
    collected_.push_back(std::move(c));
  }

  /// @throws Error (other) if it is not there
  template <class T>
  static T known(const Packet& packet, const char* name) {
    const auto found = packet.metadata.find(name);
    if (found == packet.metadata.end())
      throw Error(ErrorCode::other, fmt::format("a packet with `phase` came without {}", name));
    return found->get<T>();
  }

  /// Aligns what was collected, puts the tensors into `kept_`, and gives the packet's metadata; null if the user wants
  /// to stop.
  Json make_stack() {
    std::stable_sort(collected_.begin(), collected_.end(), [](const align::Collected& a, const align::Collected& b) {
      return a.projection.rotation_deg < b.projection.rotation_deg;
    });
    std::vector<tomo::Projection> projections;
    std::vector<double> angle_deg, angle_rad;
    for (const align::Collected& c : collected_) {
      projections.push_back(c.projection);
      angle_deg.push_back(c.projection.rotation_deg);
      angle_rad.push_back(c.projection.rotation_deg * pi / 180);
    }
    tomo::check_series(projections);
    tomo::ProjectionStack stack = tomo::stack_projections(projections);

    device::ThreadPool threads(std::max(1, static_cast<int>(host().threads)));
    tomo::Alignment found =
        tomo::find_alignment(stack.phase, angle_rad, settings_, threads, [&](int iteration, double step_px) {
          progress(iteration, settings_.max_iterations, fmt::format("align: largest step {:.3f} px", step_px));
          return !should_stop();
        });
    if (stopped("early")) return {};
    if (settings_.method == tomo::AlignmentMethod::none) found.shift = stack.remainder;

    std::vector<double> shift_y;
    for (const auto& s : found.shift) shift_y.push_back(s.y_px);
    const tomo::Rows rows = tomo::covered_rows(shift_y, stack.phase.extent(1));
    kept_.tensors.insert_or_assign("projections", Tensor::own(tomo::moved(stack.phase, found.shift, rows, threads)));
    if (!stack.absorption.empty()) {
      kept_.tensors.insert_or_assign("absorption_projections",
                                     Tensor::own(tomo::moved(stack.absorption, found.shift, rows, threads)));
    }
    const std::vector<tomo::Shift> shifts = from_scan_coordinates(found.shift, stack.remainder);
    device::Array<double, 2> shift_px({static_cast<Index>(shifts.size()), 2});
    for (Index i = 0; i < shift_px.extent(0); ++i) {
      shift_px(i, 0) = shifts[static_cast<std::size_t>(i)].y_px;
      shift_px(i, 1) = shifts[static_cast<std::size_t>(i)].x_px;
    }
    kept_.tensors.insert_or_assign("projection_shift_px", Tensor::own(std::move(shift_px)));
    const auto count = static_cast<std::int64_t>(angle_deg.size());
    say(found, shifts, angle_deg, {count, rows.size(), stack.phase.extent(2)});
    kept_.tensors.insert_or_assign("projection_deg", Tensor::own(std::move(angle_deg), {count}));
    return {{"rotation_axis_px", found.axis_px},
            {"pixel_size_m", projections[0].pixel_size_m},
            {"wavelength_m", collected_[0].wavelength_m},
            {"series", series_},
            {"projection_count", count}};
  }

  /// A projection was put to a whole pixel before it was moved; only what goes beyond its true place is a shift.
  static std::vector<tomo::Shift> from_scan_coordinates(std::vector<tomo::Shift> applied,
                                                        const std::vector<tomo::Shift>& remainder) {
    for (std::size_t i = 0; i < applied.size(); ++i) {
      applied[i].y_px -= remainder[i].y_px;
      applied[i].x_px -= remainder[i].x_px;
    }
    return applied;
  }

  void say(const tomo::Alignment& found, const std::vector<tomo::Shift>& shifts, const std::vector<double>& angle_deg,
           Extents<3> size) const {
    for (const Index i : found.at_limit) {
      const auto at = static_cast<std::size_t>(i);
      warn(fmt::format(
          "scan '{}' at {:.6g}° would have to be moved farther than max_shift_px = {:.6g} allows; it may be "
          "blank or of another place",
          collected_[at].projection.scan, angle_deg[at], settings_.max_shift_px));
    }
    if (settings_.method == tomo::AlignmentMethod::refine && found.last_step_px >= tomo::settled_px) {
      warn(fmt::format(
          "alignment has not settled: projections still moved by {:.2f} px in iteration {}; allow more with "
          "max_iterations",
          found.last_step_px, found.iterations));
    }
    const auto turns = found.iterations == 0 ? std::string() : fmt::format(" in {} iterations", found.iterations);
    info(
        fmt::format("aligned {} projections of {} × {} px, {:.6g}° to {:.6g}°{}: moved by {:.2f} px rms, {:.2f} px at "
                    "most; rotation axis at x = {:.2f} px",
                    size[0], size[1], size[2], angle_deg.front(), angle_deg.back(), turns, rms(shifts), largest(shifts),
                    found.axis_px));
    Json shift_px = Json::array();
    for (const auto& s : shifts) shift_px.push_back({s.y_px, s.x_px});
    report({{"alignment",
             {{"projection_deg", angle_deg},
              {"shift_px", shift_px},
              {"shift_rms_px", rms(shifts)},
              {"shift_max_px", largest(shifts)},
              {"rotation_axis_px", found.axis_px},
              {"iterations", found.iterations},
              {"last_step_px", found.last_step_px}}}});
  }

  tomo::AlignmentSettings settings_;
  std::vector<align::Collected> collected_;
  Packet kept_;
  std::string series_;
};

}  // namespace
}  // namespace ptychoflow

PTYCHOFLOW_STAGE(ptychoflow::Align, .name = "align",
                 .summary = "Collects the projections of a tomographic series and aligns them about one rotation axis",
                 .parameters_schema = align_schema, .consumes = {"phase"},
                 .produces = {"projections", "projection_deg", "projection_shift_px"})
