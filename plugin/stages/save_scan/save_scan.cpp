// Stage save_scan: writes the scans that pass by to CXI files.
//
// A serial run writes each packet as it comes. Under MPI each rank keeps its frames until its share of the scan has
// passed; then the ranks write in turns into one temporary file, which the root renames.
#include <fmt/format.h>

#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/units.hpp"
#include "core/comm/communicator.hpp"
#include "core/device/array.hpp"
#include "core/io/atomic_file.hpp"
#include "core/io/frame_types.hpp"
#include "core/io/scan_file_name.hpp"
#include "core/io/scan_writer.hpp"
#include "plugin/api/stage.hpp"
#include "save_scan_schema.hpp"

namespace ptychoflow::save_scan {

namespace {

using stage::Description;
using stage::Json;
using stage::Packet;
using stage::Tensor;

/// A copy: what passes by belongs to the stages downstream.
template <class T, std::size_t Rank>
Tensor copy_of(const Tensor& tensor) {
  return Tensor::own(device::Array<T, Rank>::copy_of(tensor.view<const T, Rank>()));
}

io::ModeStack modes_of(const Tensor& tensor) {
  if (tensor.holds<Complex<double>>()) return tensor.view<const Complex<double>, 3>();
  return tensor.view<const Complex<float>, 3>();
}

/// The value every packet carries. @throws Error (usage) if no earlier stage provides it
template <class T>
T known(const Description& input, const char* name) {
  if (!input.metadata.contains(name)) {
    throw Error(ErrorCode::usage, fmt::format("save_scan needs the scan's {}; no earlier stage provides it", name));
  }
  return input.metadata[name].get<T>();
}

constexpr auto several_scans =
    "save_scan: several scans follow each other: put {scan} into the name of the file, for each to get one of its own";

class SaveScan : public stage::Stage {
 public:
  Description configure(const Json& params, const Description& input) override {
    name_ = params.at("file").get<std::string>();
    overwrite_ = params.value("overwrite", false) ? io::Overwrite::allow : io::Overwrite::refuse;
    if (!io::names_scan(name_)) {
      if (input.metadata.value("scan_count", 1) > 1) throw Error(ErrorCode::usage, several_scans);
      open(name_);
    }

    const Json& frames = input.tensors.at("frames");
    layout_ = {.title = "",
               .frame_type = frames.at("dtype").get<std::string>(),
               .frame_count = 0,
               .frame = {frames.at("shape").at(1).get<Index>(), frames.at("shape").at(2).get<Index>()},
               .energy_J = energy_J_from_wavelength_m(known<double>(input, "wavelength_m")),
               .distance_m = known<double>(input, "distance_m"),
               .detector_pixel_m = known<std::array<double, 2>>(input, "detector_pixel_m"),
               .negative_is_masked = input.metadata.value("negative_is_masked", false),
               .deflate = params.value("compression", io::default_deflate)};
    return input;
  }

  void process(Packet& packet) override {
    if (!begun_) begin(packet.metadata);
    if (packet.has("frames")) {
      if (host().rank_count == 1) {
        if (!writer_) start_file(packet.tensors);
        write_block(packet.at("frames"), packet.at("frame_index"), packet.at("positions_m"));
      } else {
        keep(packet);
      }
    }
    if (packet.ends_scan()) finish_scan();
    emit(packet);
  }

  void finalize() override {
    if (begun_ || !done_)
      warn((target_.empty() ? name_ : target_) + ": not written, since the scan did not come to its end");
  }

  void abandon_scan() override {
    begun_ = false;
    frames_written_ = 0;
    kept_.clear();
    scan_tensors_.clear();
    writer_.reset();
    file_.reset();
    target_.clear();
  }

 private:
  using Tensors = std::map<std::string, Tensor>;

  struct Block {
    Tensor frames;
    Tensor frame_index;
    Tensor positions_m;
  };

  void open(const std::string& target) {
    target_ = target;
    io::check_target(target_, overwrite_);
    if (is_root()) file_.emplace(target_, overwrite_);
  }

  /// A scan's first packet has come.
  void begin(const Json& metadata) {
    if (done_ && !io::names_scan(name_)) throw Error(ErrorCode::usage, several_scans);
    layout_.title = metadata.value("scan", "");
    if (!metadata.contains("frame_count")) {
      throw Error(ErrorCode::usage, "save_scan needs the scan's frame_count; no earlier stage provides it");
    }
    layout_.frame_count = metadata["frame_count"].get<Index>();
    if (target_.empty()) open(io::file_of_scan(name_, layout_.title));
    begun_ = true;
  }

  /// Makes the file, with what belongs to the scan as a whole.
  void start_file(const Tensors& first) {
    writer_.emplace(io::ScanWriter::create(file_->temporary(), layout_));
    const auto have = [&](const char* name) { return first.count(name) != 0; };
    if (have("mask")) writer_->write_mask(first.at("mask").view<const std::uint8_t, 2>());
    if (have("initial_probe")) writer_->write_initial_probe(modes_of(first.at("initial_probe")));
    if (have("truth_object") && have("truth_probe") && have("truth_offset_px")) {
      writer_->write_truth(modes_of(first.at("truth_object")), modes_of(first.at("truth_probe")),
                           first.at("truth_offset_px").view<const std::int32_t, 2>());
    }
  }

  /// Writes runs of frames that follow each other in the scan.
  void write_block(const Tensor& frames, const Tensor& frame_index, const Tensor& positions_m) {
    const auto index = frame_index.view<const std::int64_t, 1>();
    const auto positions = positions_m.view<const double, 2>();
    io::with_frame_type(layout_.frame_type, [&]<class T>(std::type_identity<T>) {
      const auto counts = frames.view<const T, 3>();
      for (Index from = 0, to; from < index.size(); from = to) {
        for (to = from + 1; to < index.size() && index[to] == index[to - 1] + 1;) ++to;
        writer_->write_frames(index[from],
                              View<const T, 3>(counts[from].data(), {to - from, counts.extent(1), counts.extent(2)}));
        writer_->write_positions(index[from], View<const double, 2>(positions[from].data(), {to - from, 2}));
      }
    });
    frames_written_ += index.size();
  }

  void keep(const Packet& packet) {
    if (is_root() && kept_.empty()) keep_scan_tensors(packet);
    io::with_frame_type(layout_.frame_type, [&]<class T>(std::type_identity<T>) {
      kept_.push_back({copy_of<T, 3>(packet.at("frames")), copy_of<std::int64_t, 1>(packet.at("frame_index")),
                       copy_of<double, 2>(packet.at("positions_m"))});
    });
  }

  void keep_scan_tensors(const Packet& packet) {
    if (packet.has("mask")) scan_tensors_["mask"] = copy_of<std::uint8_t, 2>(packet.at("mask"));
    if (packet.has("truth_offset_px")) {
      scan_tensors_["truth_offset_px"] = copy_of<std::int32_t, 2>(packet.at("truth_offset_px"));
    }
    for (const char* name : {"initial_probe", "truth_object", "truth_probe"}) {
      if (!packet.has(name)) continue;
      const Tensor& modes = packet.at(name);
      scan_tensors_[name] =
          modes.holds<Complex<double>>() ? copy_of<Complex<double>, 3>(modes) : copy_of<Complex<float>, 3>(modes);
    }
  }

  /// Collective.
  void finish_scan() {
    if (host().rank_count > 1) write_in_turns();
    done_ = true;
    begun_ = false;
    const std::string target = std::exchange(target_, "");
    const std::int64_t written = std::exchange(frames_written_, 0);
    if (!is_root()) return;
    if (written != layout_.frame_count) {
      throw Error(ErrorCode::other, fmt::format("{}: not written: {} of the scan's {} frames came", target, written,
                                                layout_.frame_count));
    }
    if (writer_) writer_->close();
    writer_.reset();
    file_->commit();
    file_.reset();
    info(fmt::format("{}: wrote {} frames", target, written));
  }

  /// A rank that fails in its turn throws; the host then tells the others in their `agree`.
  void write_in_turns() {
    const comm::Communicator ranks(host().mpi_communicator(&host()));
    agree();
    std::string temporary = is_root() ? file_->temporary().string() : "";
    ranks.broadcast(temporary);
    for (int turn = 0; turn < ranks.size(); ++turn) {
      if (turn == ranks.rank()) {
        if (is_root()) {
          start_file(scan_tensors_);
        } else {
          writer_.emplace(io::ScanWriter::reopen(temporary));
        }
        for (const Block& block : kept_) write_block(block.frames, block.frame_index, block.positions_m);
        writer_->close();
        writer_.reset();
        kept_.clear();
        scan_tensors_.clear();
      }
      agree();
    }
    const auto written = ranks.gather(std::vector<std::int64_t>{frames_written_});
    frames_written_ = std::accumulate(written.begin(), written.end(), std::int64_t{0});
  }

  std::string name_;  ///< the parameter `file`
  io::Overwrite overwrite_ = io::Overwrite::refuse;
  std::string target_;  ///< of the scan; empty until it is known
  io::ScanLayout layout_;
  std::optional<io::AtomicFile> file_;    ///< the root's
  std::optional<io::ScanWriter> writer_;  ///< declared after `file_`, so that it closes before that removes the file
  std::vector<Block> kept_;
  Tensors scan_tensors_;  ///< the root's
  std::int64_t frames_written_ = 0;
  bool begun_ = false;  ///< a scan has, and has not ended
  bool done_ = false;   ///< one scan at least is
};

}  // namespace

PTYCHOFLOW_STAGE(SaveScan, .name = "save_scan", .summary = "Writes the scans that pass by to CXI files",
                 .parameters_schema = save_scan_schema, .consumes = {"frames", "frame_index", "positions_m"},
                 .produces = {})

}  // namespace ptychoflow::save_scan
