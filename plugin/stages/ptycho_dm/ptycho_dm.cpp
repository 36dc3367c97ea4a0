// Stage ptycho_dm: frames in, probe and object out.

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>

#include "core/device/gpu_library.hpp"
#include "core/io/result_file.hpp"
#include "core/io/scan_file_name.hpp"
#include "plugin/api/stage.hpp"
#include "plugin/stages/ptycho_dm/early_frames.hpp"
#include "plugin/stages/ptycho_dm/result_packet.hpp"
#include "plugin/stages/ptycho_dm/scan_job.hpp"
#include "plugin/stages/ptycho_dm/scan_memory.hpp"
#include "ptycho_dm_schema.hpp"

namespace ptychoflow::ptycho_dm {
namespace {

using stage::Description;
using stage::Json;
using stage::Packet;
using stage::Tensor;

std::string now_utc() {
  const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
}

/// Frames and starting probe are used up; the rest goes on.
const char* const consumed[] = {"frames", "frame_index", "positions_m", "initial_probe"};

class PtychoDm final : public stage::Stage {
 public:
  Description configure(const Json& params, const Description& input) override {
    parameters_ = parse_parameters(params);
    for (const char* key : {"wavelength_m", "distance_m", "detector_pixel_m"}) {
      if (!input.metadata.contains(key)) {
        throw Error(ErrorCode::data, fmt::format("the scan does not say its {}: give it to the loader", key));
      }
    }
    const Json shape = input.tensors.at("frames").at("shape");
    frame_ = {shape.at(1), shape.at(2)};
    choose_probe(input);
    check_previous_results();
    check_checkpoint(input.metadata);
    parameters_.gpu.next_follows = input.metadata.value("scan_count", 1) > 1;
    open_device();
    memory_.emplace(parameters_, frame_, host().threads, gpu_.get(), [this](const std::string& text) { info(text); });
    memory_->plan_for(input.metadata);
    parameters_.settings.gather_object = needs_whole_object(input.metadata);

    Description output = input;
    for (const char* name : consumed) output.tensors.erase(name);
    declare_result(output, parameters_.precision == Precision::twofold ? "complex128" : "complex64",
                   parameters_.probe_modes.value_or(0), parameters_.object_modes, frame_,
                   input.metadata.value("frame_count", Json()), parameters_.settings.gather_object);
    if (!parameters_.settings.gather_object) {
      output.metadata["object_may_be_gathered"] = parameters_.whole_object != WholeObject::never;
    }
    if (parameters_.half_scans == HalfScans::reconstruct) {
      output.add("object_halves", output.tensors["object"]["dtype"], {2, nullptr, nullptr}, "half:y:x", "1");
    }
    return output;
  }

  void process(Packet& packet) override {
    if (!job_) begin_scan(packet);
    job_->add(packet);
    const bool ends_scan = packet.ends_scan();
    if (parameters_.live && !ends_scan && packet.metadata.value("following", false)) advance(packet.metadata);
    for (const char* name : consumed) packet.tensors.erase(name);
    carried_.tensors.merge(packet.tensors);
    carried_.metadata.update(packet.metadata);
    if (ends_scan) end_scan();
  }

  bool takes_ahead() const override { return memory_ && memory_->has_room_for_next(1); }

  void take_ahead(Packet& packet) override {
    const std::scoped_lock lock(early_mutex_);
    gpu_->use_on_this_thread();
    const std::string scan = packet.metadata.value("scan", "");
    if (!early_ || early_->scan() != scan) {
      const Index frames = packet.metadata.value("frame_count_local", Index{0});
      if (frames == 0 || !memory_->has_room_for_next(frames)) return;
      early_.reset();  // of a scan that never had its turn
      early_.emplace(scan, memory_->make_store(frames));
    }
    early_->take(packet);
  }

  void abandon_scan() override {
    job_.reset();
    carried_ = {};
  }

  void finalize() override {
    if (job_) throw Error(ErrorCode::other, "the stage before ended without ending its scan");
  }

 private:
  void begin_scan(Packet& first) {
    const std::scoped_lock lock(early_mutex_);
    const Json& metadata = first.metadata;
    memory_->plan_for(metadata);
    scan_parameters_ = parameters_;
    scan_parameters_.checkpoint.file = checkpoint_file(metadata);
    if (last_probe_) start_from_last_probe(first);
    Services services;
    services.ranks = comm::Communicator(host().mpi_communicator(&host()));
    services.threads = host().threads;
    services.gpu = gpu_.get();
    services.plan = memory_->plan();
    services.scratch = memory_->scratch();
    if (early_ && early_->scan() == metadata.value("scan", "")) {
      EarlyFrames early = std::move(*early_);
      early_.reset();
      services.frames = early.give();
    } else {
      services.frames = memory_->make_store(metadata.value("frame_count_local", Index{0}));
    }
    services.info = [this](const std::string& text) { info(text); };
    services.warn = [this](const std::string& text) {
      if (is_root()) warn(text);
    };
    services.progress = [this](Index done, Index total, const std::string& text) { progress(done, total, text); };
    services.should_stop = [this] { return should_stop(); };
    job_ = make_scan_job(scan_parameters_, frame_, std::move(services));
    start_time_ = now_utc();
  }

  /// Of a scan that is still running: iterates on, and lets people see. Collective, since sources that follow a scan
  /// send each packet on all ranks.
  void advance(const Json& metadata) {
    agree();
    Packet preview;
    preview.metadata = metadata;
    if (!job_->advance(preview)) return;
    preview.metadata["preview"] = true;
    preview.metadata["start_time"] = start_time_;
    emit(preview);
  }

  /// All its modes, as they were found.
  void start_from_last_probe(Packet& first) {
    scan_parameters_.probe_modes = last_probe_.shape().at(0);
    scan_parameters_.guess.probe = ptycho::ProbeOfScan{};
    scan_parameters_.guess.mode_start.reset();
    first.tensors.insert_or_assign("initial_probe", std::move(last_probe_));
  }

  static Tensor copy_of_probe(const Tensor& probe) {
    if (probe.holds<Complex<double>>()) {
      return Tensor::own(device::Array<Complex<double>, 3>::copy_of(probe.view<const Complex<double>, 3>()));
    }
    return Tensor::own(device::Array<Complex<float>, 3>::copy_of(probe.view<const Complex<float>, 3>()));
  }

  void end_scan() {
    agree();
    Packet result = std::move(carried_);
    carried_ = {};
    Json figures;
    job_->reconstruct(result, figures);
    if (result.metadata.value("scan_count", 1) > 1) {
      figures_of_scans_[result.metadata.value("scan", "")] = std::move(figures);
      figures = {{"scans", figures_of_scans_}};
    }
    report(figures);
    if (parameters_.carry_probe) last_probe_ = copy_of_probe(result.at("probe"));
    result.metadata["start_time"] = start_time_;
    result.metadata["end_time"] = now_utc();
    result.metadata["threads"] = host().threads;
    result.metadata["ranks"] = host().rank_count;
    result.metadata["backend"] = gpu_ ? "cuda" : "cpu";
    emit(result);
    agree();  // it is written wherever it was to be written
    job_->clean_up();
    job_.reset();
  }

  bool needs_whole_object(const Json& metadata) const {
    if (parameters_.whole_object != WholeObject::if_asked_for) return parameters_.whole_object == WholeObject::always;
    const auto later = metadata.value("consumed_later", std::vector<std::string>{});
    return host().rank_count == 1 || parameters_.half_scans == HalfScans::reconstruct ||
           std::ranges::any_of(later, [](const auto& name) { return name == "object" || name == "object_coverage"; });
  }

  /// Decides what the scan's own probe, or the lack of one, means.
  void choose_probe(const Description& input) {
    const bool scan_has_probe = input.has("initial_probe");
    auto& guess = parameters_.guess;
    if (!parameters_.probe_given && !scan_has_probe) {
      guess.probe = ptycho::ProbeFromData{};
      if (is_root()) {
        warn(
            "the scan brings no probe to start from: starting from its mean frame, in focus. If the sample was out of "
            "focus, give initial_probe: {from_data: {defocus_m: auto}}, which finds out how far, or its value");
      }
    }
    if (std::holds_alternative<ptycho::ProbeOfScan>(guess.probe) && !scan_has_probe) {
      throw Error(ErrorCode::usage,
                  "initial_probe: from_scan, but the scan brings no probe: give another initial_probe, such as "
                  "{from_data: {defocus_m: 1e-3}}");
    }
    if (!guess.mode_start && !std::holds_alternative<ptycho::ProbeOfScan>(guess.probe) &&
        !std::holds_alternative<ptycho::ProbeOfFile>(guess.probe)) {
      throw Error(ErrorCode::usage, "mode_start: file needs initial_probe: from_scan or {file: …}");
    }
  }

  /// The checkpoint's file for a scan.
  std::string checkpoint_file(const Json& metadata) const {
    return io::file_of_scan(parameters_.checkpoint.file.string(), metadata.value("scan", ""));
  }

  /// Files of checkpoints are tried out before any data is read.
  void check_checkpoint(Json metadata) const {
    if (parameters_.checkpoint.every == 0) return;
    if (metadata.value("scan_count", 1) > 1) {
      if (!io::names_scan(parameters_.checkpoint.file.string())) {
        throw Error(ErrorCode::usage, "checkpoint: file: several scans follow each other: put {scan} into the name");
      }
      metadata["scan"] = "scan";  // its folder can be tried out all the same
    }
    ptycho::CheckpointFiles{checkpoint_file(metadata)};
  }

  /// The GPU, if the user wants one and, where it is left to us, there is one. Collective.
  void open_device() {
    const std::string_view backend = host().backend;
    if (backend == "cpu" || (backend == "auto" && !device::gpu_code_installed())) return;
    parameters_.gpu.host_bytes = parameters_.host_bytes.value_or(memory_of_this_rank());
    if (parameters_.device_bytes) parameters_.gpu.device_bytes = *parameters_.device_bytes;
    parameters_.gpu.live = parameters_.live.has_value();
    agree();
    try {
      gpu_ = ptycho::open_gpu(parameters_.gpu, comm::Communicator(host().mpi_communicator(&host())));
      info(gpu_->description());
    } catch (const Error& e) {
      if (backend == "cuda") throw;
      if (speaks_for_all()) warn(fmt::format("computing on the CPU: {}", e.what()));
    }
  }

  /// A file that cannot be read must fail now, not after the frames have been.
  void check_previous_results() const {
    if (const auto* probe = std::get_if<ptycho::ProbeOfFile>(&parameters_.guess.probe)) io::read_result(probe->file);
    if (const auto* object = std::get_if<ptycho::ObjectOfFile>(&parameters_.guess.object))
      io::read_result(object->file);
  }

  Parameters parameters_;
  Parameters scan_parameters_;  ///< of the scan under way
  Tensor last_probe_;           ///< of the scan before, where the next starts from it
  std::unique_ptr<ptycho::Gpu> gpu_;
  std::optional<ScanMemory> memory_;
  ptycho::Yx<Index> frame_;
  std::unique_ptr<ScanJob> job_;
  std::mutex early_mutex_;  ///< of `early_` and, while scans come, `memory_`
  std::optional<EarlyFrames> early_;
  Packet carried_;
  std::string start_time_;
  Json figures_of_scans_ = Json::object();  ///< by name, where several follow each other
};

}  // namespace
}  // namespace ptychoflow::ptycho_dm

PTYCHOFLOW_STAGE(ptychoflow::ptycho_dm::PtychoDm, .name = "ptycho_dm",
                 .summary = "Reconstructs probe and object by the multi-mode Difference Map",
                 .parameters_schema = ptycho_dm_schema, .consumes = {"frames", "frame_index", "positions_m"},
                 .produces = {"object", "object_coverage", "object_rows", "object_coverage_rows", "probe",
                              "probe_occupancy", "view_offset_px", "view_position_m", "object_halves",
                              "history_iteration", "history_object_change", "history_probe_change",
                              "history_exit_wave_change", "history_fourier_error", "history_seconds"})
