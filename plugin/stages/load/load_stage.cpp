// Stage load: a scan from a file, in whatever format. Each rank opens it read-only and reads its own share of the
// frames.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <span>
#include <utility>

#include "core/comm/communicator.hpp"
#include "core/io/frame_types.hpp"
#include "core/io/position_table.hpp"
#include "core/io/read_ahead.hpp"
#include "core/io/scan.hpp"
#include "core/io/scan_checks.hpp"
#include "core/ptycho/distribution.hpp"
#include "load_schema.hpp"
#include "plugin/api/stage.hpp"
#include "plugin/stages/load/frame_reader.hpp"
#include "plugin/stages/load/parameters.hpp"
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

class Load : public stage::Stage {
 public:
  Description configure(const Json& params, const Description&) override {
    params_ = read_parameters(params);
    number_ = group().number;
    if (speaks_for_all() && params_.left_out > 0) {
      info(fmt::format("{} of {} scans are left out, as their results are there", params_.left_out,
                       params_.left_out + params_.scans.size()));
    }
    require_files();
    stream_ = open_first_good();
    ended_ = number_ >= params_.scans.size();
    Description declared = stream_;
    if (params_.scans.size() > 1) {  // what differs from scan to scan is on their packets alone
      for (const char* key : {"scan", "source", "rotation_deg", "frame_count"}) declared.metadata.erase(key);
      if (pass_truth_) {
        for (const char* name : {"truth_object", "truth_offset_px"}) {
          for (Json& extent : declared.tensors[name]["shape"]) extent = nullptr;
        }
      }
    }
    return declared;
  }

  bool produce() override {
    if (ended_) return false;
    if (done_ == 0 && opened_ != number_) open_next();
    const auto count = std::min(static_cast<std::size_t>(params_.block_frames), share_.size() - done_);
    const auto numbers = std::span<const Index>(share_).subspan(done_, count);
    Packet packet;
    packet.tensors.emplace("frames", reader_->read(numbers, params_.first, params_.step));
    add_places(packet, numbers);
    if (done_ == 0) add_scan_tensors(packet);
    packet.metadata = metadata_;
    done_ += count;
    if (done_ == share_.size()) {
      require_light();
      packet.metadata["ends_scan"] = true;
      read_next_ahead();
    }
    const std::string which =
        params_.scans.size() > 1 ? fmt::format(" of scan {} of {}", number_ + 1, params_.scans.size()) : "";
    progress(static_cast<Index>(done_), static_cast<Index>(share_.size()), "frames read" + which);
    emit(packet);
    if (done_ == share_.size()) {
      if (params_.scans.size() > 1 && all_should_stop()) ended_ = true;  // between two scans nothing is lost
      move_on();
    }
    return !ended_;
  }

  std::string current_scan() const override { return ended_ ? "" : params_.scans[number_].name(); }
  void abandon_scan() override { move_on(); }

 private:
  /// A series must not fail after hours for a file that was never there.
  void require_files() const {
    for (const auto& scan : params_.scans) {
      if (params_.scans.size() > 1 && !std::filesystem::exists(scan.file)) {
        throw Error(ErrorCode::data, scan.file + ": there is no such file: correct files, or leave it out");
      }
    }
  }

  /// While the stages downstream are busy with this scan. Where ranks share a machine, they share the reading, too.
  void read_next_ahead() {
    const std::size_t next = number_ + group().count;
    if (next >= params_.scans.size()) return;
    ahead_.emplace(params_.scans[next].file, host().rank, host().rank_count);
  }

  /// To the next scan, on all ranks alike: they have agreed that the one before is done, or bad.
  void move_on() {
    done_ = 0;
    const std::size_t next = number_ + group().count;
    if (next < params_.scans.size()) {
      number_ = next;
    } else {
      ended_ = true;
    }
  }

  /// Ranks may learn at different moments that the user wants to stop. Collective.
  bool all_should_stop() const {
    agree();
    return comm::Communicator(host().mpi_communicator(&host())).max(should_stop() ? 1 : 0) > 0;
  }

  /// Opens a scan and describes the stream that it gives.
  Description open_scan(std::size_t number) {
    ahead_.reset();
    reader_.reset();
    opened_.reset();
    scan_.emplace(params_.scans[number].file, params_.format);
    select_frames();
    std::optional<Extents<2>> found;
    const auto window = window_for(*scan_, params_, frame_count_, found);
    if (found)
      info(fmt::format("{}: the beam's centre was found at pixel [{}, {}]", header().file, (*found)[0], (*found)[1]));
    geometry_ = geometry_of(header(), params_, window.size);
    reader_.emplace(*scan_, window, FrameReader::Corrections{params_.saturation, params_.dark == Dark::from_file});
    place_views();
    share_out();
    return describe(window.size, params_.scans[number]);
  }

  /// The first scan that can be read says what the stream looks like; those before it fail when it is their turn.
  Description open_first_good() {
    for (std::size_t number = 0;; ++number) {
      try {
        Description stream = open_scan(number);
        opened_ = number;
        return stream;
      } catch (const Error& e) {
        if (e.code() != ErrorCode::data || number + 1 == params_.scans.size()) throw;
        if (is_root()) warn(fmt::format("{}; the next scan says what the stream looks like", e.what()));
      }
    }
  }

  /// The stages downstream were configured for the first good scan: later ones must be like it.
  void open_next() {
    const Description here = open_scan(number_);
    const auto differ = [&](const std::string& what) {
      throw Error(ErrorCode::data, fmt::format("{}: its {} differ from those of {}: scans of one series "
                                               "must be alike; reconstruct it in a run of its own",
                                               header().file, what, stream_.metadata.at("source").get<std::string>()));
    };
    const Json& frames = here.tensors["frames"];
    if (frames != stream_.tensors["frames"]) differ("frames' type or size");
    for (const char* name : {"initial_probe", "truth_object"}) {
      if (here.has(name) != stream_.has(name)) differ(fmt::format("tensors ({})", name));
    }
    for (const char* key : {"wavelength_m", "distance_m", "detector_pixel_m", "negative_is_masked"}) {
      if (here.metadata.value(key, Json()) != stream_.metadata.value(key, Json()))
        differ(fmt::format("metadata ({})", key));
    }
    opened_ = number_;
  }

  /// Where the parameters name a file for them.
  std::optional<io::PositionTable> table_of_positions() const {
    if (params_.positions_file.empty()) return {};
    return io::read_positions(params_.positions_file, params_.positions_dataset);
  }

  void place_views() {
    const auto place = [&] {
      positions_ = positions_of(header(), table_of_positions(), params_, frame_count_, geometry_);
    };
    place();
    if (!params_.find_orientation) return;
    choose_orientation();
    place();
  }

  /// For this scan and all that follow. Collective: the root tries, and all take what it found.
  void choose_orientation() {
    std::string chosen;
    if (is_root()) {
      device::ThreadPool threads(std::max(1, static_cast<int>(host().threads)));
      const auto trials = settle_orientation(*scan_, *reader_, geometry_, positions_, params_, threads);
      const auto& best = trials.front().orientation;
      for (const bool is : {best.swap_xy, best.flip_x, best.flip_y}) chosen += is ? '1' : '0';
      info(fmt::format("{}: positions: auto chose {}: R {:.3f} on some views, the next best has {:.3f}", header().file,
                       best.text(), trials[0].r_factor, trials[1].r_factor));
    }
    agree();
    comm::Communicator(host().mpi_communicator(&host())).broadcast(chosen);
    params_.swap_xy = chosen[0] == '1';
    params_.flip_x = chosen[1] == '1';
    params_.flip_y = chosen[2] == '1';
    params_.find_orientation = false;
  }

  const io::ScanHeader& header() const { return scan_->header(); }
  Index first_in_file(Index selected) const { return params_.first + selected * params_.step; }

  void select_frames() {
    const Index last = params_.last.value_or(header().frame_count - 1);
    if (params_.first >= header().frame_count || last >= header().frame_count) {
      throw Error(ErrorCode::usage,
                  fmt::format("{}: frames: {} to {} were asked for, but the file has {}, numbered from 0",
                              header().file, params_.first, last, header().frame_count));
    }
    frame_count_ = (last - params_.first) / params_.step + 1;
    const Index ranks = host().rank_count;
    if (ranks > frame_count_) {
      throw Error(ErrorCode::usage, fmt::format("{}: {} ranks are more than the {} frames: use at most {}",
                                                header().file, ranks, frame_count_, frame_count_));
    }
  }

  /// Which of the selected frames this rank reads.
  void share_out() {
    const Index ranks = host().rank_count;
    std::vector<ptycho::Yx<double>> places;
    for (const auto& [y, x] : positions_) places.push_back({y, x});
    const double view_height_m = io::object_pixel_m(geometry_)[0] * static_cast<double>(geometry_.frame[0]);
    const ptycho::Sharing sharing =
        params_.sharing ? *params_.sharing : ptycho::better_sharing(places, view_height_m, ranks);
    share_ = ptycho::share_of_views(places, sharing, host().rank, ranks);
    const auto [distance, pixel] = std::pair(geometry_.distance_m, geometry_.detector_pixel_m);
    const ptycho::Layout layout = ptycho::lay_out(
        {geometry_.wavelength_m, distance, {pixel[0], pixel[1]}, {geometry_.frame[0], geometry_.frame[1]}}, places);
    object_here_ = {ptycho::foresee(layout, places, sharing, host().rank, host().rank_count).rows.size(),
                    layout.object.x};
  }

  /// Declares the stream, and decides which of the file's extras still mean something for frames of this size.
  Description describe(Extents<2> frame, const io::ScanFile& scan) {
    const auto& h = header();
    Description out;
    out.add("frames", reader_->type(), {nullptr, frame[0], frame[1]}, "frame:y:x", "count");
    out.add("frame_index", "int64", {nullptr}, "frame", "");
    out.add("positions_m", "float64", {nullptr, 2}, "frame:y,x", "m");
    out.add("mask", "uint8", {frame[0], frame[1]}, "y:x", "");
    const auto fits = [&](const Extents<3>& probe, const char* what) {
      if (probe[1] == frame[0] && probe[2] == frame[1]) return true;
      if (is_root()) {
        warn(fmt::format("{}: its {} of {} × {} pixels does not fit frames of {} × {} and is left out", h.file, what,
                         probe[1], probe[2], frame[0], frame[1]));
      }
      return false;
    };
    pass_probe_ = h.initial_probe[0] > 0 && fits(h.initial_probe, "initial probe");
    pass_truth_ = h.has_truth && fits(h.truth_probe, "truth");
    if (pass_probe_) out.add("initial_probe", h.initial_probe_type, shape_of(h.initial_probe), "mode:y:x", "√count");
    if (pass_truth_) {
      out.add("truth_object", h.truth_object_type, shape_of(h.truth_object), "mode:y:x", "");
      out.add("truth_probe", h.truth_probe_type, shape_of(h.truth_probe), "mode:y:x", "√count");
      out.add("truth_offset_px", "int32", {frame_count_, 2}, "frame:y,x", "px");
    }
    metadata_ = {{"scan", scan.name()},
                 {"scan_count", params_.scans.size()},
                 {"source", h.file},
                 {"frame_count", frame_count_},
                 {"frame_count_local", share_.size()},
                 {"object_px_local", {object_here_.y, object_here_.x}},
                 {"wavelength_m", geometry_.wavelength_m},
                 {"distance_m", geometry_.distance_m},
                 {"detector_pixel_m", geometry_.detector_pixel_m}};
    if (const auto angle = scan.rotation_deg) metadata_["rotation_deg"] = *angle;
    if (h.negative_is_masked || params_.saturation) metadata_["negative_is_masked"] = true;
    out.metadata = metadata_;
    return out;
  }

  void add_places(Packet& packet, std::span<const Index> numbers) const {
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

  void add_scan_tensors(Packet& packet) const {
    packet.tensors.emplace("mask", Tensor::own(device::Array<std::uint8_t, 2>::copy_of(reader_->mask().view())));
    if (pass_probe_) packet.tensors.emplace("initial_probe", to_tensor(scan_->initial_probe()));
    if (!pass_truth_) return;
    packet.tensors.emplace("truth_object", to_tensor(scan_->truth_object()));
    packet.tensors.emplace("truth_probe", to_tensor(scan_->truth_probe()));
    const auto all = scan_->truth_offset_px();
    auto selected = device::Array<std::int32_t, 2>::uninitialized({frame_count_, 2});
    for (Index j = 0; j < frame_count_; ++j) {
      for (Index axis : {0, 1}) selected(j, axis) = all(first_in_file(j), axis);
    }
    packet.tensors.emplace("truth_offset_px", Tensor::own(std::move(selected)));
  }

  void require_light() const {
    if (reader_->seen_light()) return;
    throw Error(
        ErrorCode::data,
        fmt::format("{}: dataset {}: all {} frames from number {} on are zero at every measured pixel: check the "
                    "file, the mask and the window",
                    header().file, header().frames_path, share_.size(), first_in_file(share_.front())));
  }

  Parameters params_;
  std::size_t number_ = 0;             ///< of the scan that is being read, or is next
  std::optional<std::size_t> opened_;  ///< the scan that is open, and fits
  bool ended_ = false;                 ///< no more scans
  Description stream_;                 ///< of the first good scan
  std::optional<io::Scan> scan_;
  std::optional<FrameReader> reader_;
  std::optional<io::ReadAhead> ahead_;  ///< of the next scan
  io::ScanGeometry geometry_;
  std::vector<std::array<double, 2>> positions_;  ///< y, x, of the selected frames
  Json metadata_;
  bool pass_probe_ = false;
  bool pass_truth_ = false;
  Index frame_count_ = 0;          ///< selected, on all ranks
  std::vector<Index> share_;       ///< this rank's, of the selected frames
  std::size_t done_ = 0;           ///< of them
  ptycho::Yx<Index> object_here_;  ///< pixels of the object that they touch
};

}  // namespace

PTYCHOFLOW_STAGE(Load, .name = "load", .summary = "Reads a scan from a file: CXI, NeXus, HXN, PtyPy, EIGER",
                 .parameters_schema = load_schema, .consumes = {},
                 .produces = {"frames", "frame_index", "positions_m", "mask", "initial_probe", "truth_object",
                              "truth_probe", "truth_offset_px"})

}  // namespace ptychoflow::load
