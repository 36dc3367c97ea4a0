#include "plugin/stages/load/open_scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "core/ptycho/distribution.hpp"
#include "plugin/stages/load/scan_geometry.hpp"
#include "plugin/stages/load/settle_orientation.hpp"
#include "plugin/stages/load/window.hpp"

namespace ptychoflow::load {
namespace {

using stage::Description;
using stage::Json;
using stage::Packet;
using stage::Tensor;

Tensor to_tensor(io::StoredModes modes) {
  return std::visit([](auto& m) { return Tensor::own(std::move(m)); }, modes);
}

Json shape_of(const Extents<3>& e) { return {e[0], e[1], e[2]}; }

io::Scan open(const Parameters& params, const std::string& file) {
  return io::Scan(
      file, params.format,
      {.access = params.follow ? io::Access::growing : io::Access::finished, .links_within = params.links_within});
}

}  // namespace

std::optional<io::PositionTable> table_of_positions(const Parameters& params) {
  if (params.positions_file.empty()) return {};
  return io::read_positions(params.positions_file, params.positions_dataset);
}

Found find_frames(const Parameters& params) {
  const io::ScanHeader now = open(params, params.scans.front().file).header();
  const auto table = table_of_positions(params);
  const Index positions = table ? static_cast<Index>(table->x_y_m.size()) : now.frame_count;
  return {std::min(now.frame_count, positions), now.is_growing};
}

OpenScan::OpenScan(const Parameters& params, const io::ScanFile& file, Place place, const Say& info, const Say& warn)
    : params_(params), file_(file), place_(place), scan_(open(params, file.file)), header_(scan_->header()) {
  if (params_.follow) {
    frame_count_ = find_frames(params_).frames;
  } else {
    select_frames();
  }
  std::optional<Extents<2>> found;
  const auto window = window_for(*scan_, params_, frame_count_, found);
  if (found)
    info(fmt::format("{}: the beam's centre was found at pixel [{}, {}]", header_.file, (*found)[0], (*found)[1]));
  geometry_ = geometry_of(header_, params_, window.size);
  reader_.emplace(*scan_, window, FrameReader::Corrections{params_.saturation, params_.dark == Dark::from_file});
  const auto fits = [&](const Extents<3>& probe, const char* what) {
    if (probe[1] == window.size[0] && probe[2] == window.size[1]) return true;
    warn(fmt::format("{}: its {} of {} × {} pixels does not fit frames of {} × {} and is left out", header_.file, what,
                     probe[1], probe[2], window.size[0], window.size[1]));
    return false;
  };
  pass_probe_ = header_.initial_probe[0] > 0 && fits(header_.initial_probe, "initial probe");
  pass_truth_ = header_.has_truth && fits(header_.truth_probe, "truth");
}

void OpenScan::select_frames() {
  const Index last = params_.last.value_or(header_.frame_count - 1);
  if (params_.first >= header_.frame_count || last >= header_.frame_count) {
    throw Error(ErrorCode::usage,
                fmt::format("{}: frames: {} to {} were asked for, but the file has {}, numbered from 0", header_.file,
                            params_.first, last, header_.frame_count));
  }
  frame_count_ = (last - params_.first) / params_.step + 1;
  if (place_.rank_count > frame_count_) {
    throw Error(ErrorCode::usage, fmt::format("{}: {} ranks are more than the {} frames: use at most {}", header_.file,
                                              place_.rank_count, frame_count_, frame_count_));
  }
}

void OpenScan::place_views() {
  positions_ = positions_of(header_, table_of_positions(params_), params_, frame_count_, geometry_);
}

std::vector<ptycho::OrientationTrial> OpenScan::try_orientations(device::ThreadPool& threads) {
  return settle_orientation(*scan_, *reader_, geometry_, positions_, params_, threads);
}

std::vector<Index> OpenScan::share_out() {
  std::vector<ptycho::Yx<double>> places;
  for (const auto& [y, x] : positions_) places.push_back({y, x});
  const double view_height_m = io::object_pixel_m(geometry_)[0] * static_cast<double>(geometry_.frame[0]);
  const ptycho::Sharing sharing =
      params_.sharing ? *params_.sharing : ptycho::better_sharing(places, view_height_m, place_.rank_count);
  std::vector<Index> share = ptycho::share_of_views(places, sharing, place_.rank, place_.rank_count);
  share_ = static_cast<Index>(share.size());
  const auto [distance, pixel] = std::pair(geometry_.distance_m, geometry_.detector_pixel_m);
  const ptycho::Layout layout = ptycho::lay_out(
      {geometry_.wavelength_m, distance, {pixel[0], pixel[1]}, {geometry_.frame[0], geometry_.frame[1]}}, places);
  object_here_ = {ptycho::foresee(layout, places, sharing, place_.rank, place_.rank_count).rows.size(),
                  layout.object.x};
  return share;
}

Description OpenScan::describe() const {
  const auto& h = header_;
  const auto& frame = geometry_.frame;
  Description out;
  out.add("frames", reader_->type(), {nullptr, frame[0], frame[1]}, "frame:y:x", "count");
  out.add("frame_index", "int64", {nullptr}, "frame", "");
  out.add("positions_m", "float64", {nullptr, 2}, "frame:y,x", "m");
  out.add("mask", "uint8", {frame[0], frame[1]}, "y:x", "");
  if (pass_probe_) out.add("initial_probe", h.initial_probe_type, shape_of(h.initial_probe), "mode:y:x", "√count");
  if (pass_truth_) {
    out.add("truth_object", h.truth_object_type, shape_of(h.truth_object), "mode:y:x", "");
    out.add("truth_probe", h.truth_probe_type, shape_of(h.truth_probe), "mode:y:x", "√count");
    out.add("truth_offset_px", "int32", {frame_count_, 2}, "frame:y,x", "px");
  }
  out.metadata = {{"scan", file_.name()},
                  {"scan_count", params_.scans.size()},
                  {"source", h.file},
                  {"wavelength_m", geometry_.wavelength_m},
                  {"distance_m", geometry_.distance_m},
                  {"detector_pixel_m", geometry_.detector_pixel_m}};
  if (share_) {
    out.metadata.update({{"frame_count", frame_count_},
                         {"frame_count_local", *share_},
                         {"object_px_local", {object_here_[0], object_here_[1]}}});
  }
  if (const auto angle = file_.rotation_deg) out.metadata["rotation_deg"] = *angle;
  if (h.negative_is_masked || params_.saturation) out.metadata["negative_is_masked"] = true;
  return out;
}

Packet OpenScan::packet(std::span<const Index> numbers, bool is_first) {
  Tensor frames = reader_->read(numbers, params_.first, params_.step);
  Packet packet = packet_without_frames(numbers, is_first);
  packet.tensors.emplace("frames", std::move(frames));
  return packet;
}

Packet OpenScan::packet_without_frames(std::span<const Index> numbers, bool is_first) const {
  Packet packet;
  add_places(packet, numbers);
  if (is_first) add_once(packet);
  return packet;
}

void OpenScan::add_places(Packet& packet, std::span<const Index> numbers) const {
  const auto count = static_cast<Index>(numbers.size());
  auto index = device::Array<std::int64_t, 1>::uninitialized({count});
  auto positions = device::Array<double, 2>::uninitialized({count, 2});
  for (Index j = 0; j < count; ++j) {
    index[j] = numbers[static_cast<std::size_t>(j)];
    const auto& p = positions_[static_cast<std::size_t>(index[j])];
    positions(j, 0) = p[0];
    positions(j, 1) = p[1];
  }
  packet.tensors.emplace("frame_index", Tensor::own(std::move(index)));
  packet.tensors.emplace("positions_m", Tensor::own(std::move(positions)));
}

void OpenScan::add_once(Packet& packet) const {
  packet.tensors.emplace("mask", Tensor::own(device::Array<std::uint8_t, 2>::copy_of(reader_->mask().view())));
  if (pass_probe_) packet.tensors.emplace("initial_probe", to_tensor(scan_->initial_probe()));
  if (!pass_truth_) return;
  packet.tensors.emplace("truth_object", to_tensor(scan_->truth_object()));
  packet.tensors.emplace("truth_probe", to_tensor(scan_->truth_probe()));
  const auto all = scan_->truth_offset_px();
  auto selected = device::Array<std::int32_t, 2>::uninitialized({frame_count_, 2});
  for (Index j = 0; j < frame_count_; ++j) {
    for (Index axis : {0, 1}) selected(j, axis) = all(in_file(j), axis);
  }
  packet.tensors.emplace("truth_offset_px", Tensor::own(std::move(selected)));
}

void OpenScan::require_light(std::span<const Index> read) const {
  if (reader_->seen_light() || read.empty()) return;
  throw Error(ErrorCode::data,
              fmt::format("{}: dataset {}: all {} frames from number {} on are zero at every measured pixel: check the "
                          "file, the mask and the window",
                          header_.file, header_.frames_path, read.size(), in_file(read.front())));
}

/// The root has seen so many frames; other machines may see them later.
void OpenScan::open_again(Index frames) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(params_.follow->timeout_s);
  for (Found found = find_frames(params_); found.frames < frames; found = find_frames(params_)) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw Error(ErrorCode::data, fmt::format("{}: rank 0 sees {} frames in it, rank {} only {}", header_.file, frames,
                                               place_.rank, found.frames));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  scan_.emplace(open(params_, file_.file));
  header_ = scan_->header();
  frame_count_ = frames;
  place_views();
}

}  // namespace ptychoflow::load
