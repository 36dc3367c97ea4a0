// Stage load_results: probe and object of scans that were reconstructed before, from the files that save wrote.
#include <fmt/format.h>

#include <filesystem>
#include <utility>
#include <variant>

#include "core/base/units.hpp"
#include "core/comm/communicator.hpp"
#include "core/device/array.hpp"
#include "core/io/result_file.hpp"
#include "load_results_schema.hpp"
#include "plugin/api/scan_files.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow {
namespace {

using stage::Description;
using stage::Json;
using stage::Packet;
using stage::Tensor;

Tensor copy_of(const io::ModeStack& modes) {
  return std::visit([]<class T>(View<const T, 3> m) { return Tensor::own(device::Array<T, 3>::copy_of(m)); }, modes);
}

class LoadResults : public stage::Stage {
 public:
  Description configure(const Json& params, const Description&) override {
    scans_ = stage::scan_files(params.at("files"));
    for (const auto& scan : scans_) {
      if (!std::filesystem::exists(scan.file))
        throw Error(ErrorCode::data, scan.file + ": there is no such file: correct files, or leave it out");
    }
    number_ = group().number;
    return describe(kinds_of_first_good());
  }

  bool produce() override {
    if (number_ >= scans_.size()) return false;
    const io::ScanFile& scan = scans_[number_];
    Packet packet;
    packet.metadata = {
        {"scan", scan.name()}, {"source", scan.file}, {"scan_count", scans_.size()}, {"ends_scan", true}};
    if (is_root()) read(scan, packet);
    share_metadata(packet);
    progress(static_cast<Index>(number_ + 1), static_cast<Index>(scans_.size()), "results read");
    emit(packet);
    move_on();
    if (all_should_stop()) number_ = scans_.size();
    return number_ < scans_.size();
  }

  std::string current_scan() const override { return number_ < scans_.size() ? scans_[number_].name() : ""; }
  void abandon_scan() override { move_on(); }

 private:
  void move_on() { number_ += group().count; }

  /// The first result that can be read says what the stream looks like; those before it fail when it is their turn.
  io::ResultKinds kinds_of_first_good() const {
    for (std::size_t number = 0;; ++number) {
      try {
        return io::read_result_kinds(scans_[number].file);
      } catch (const Error& e) {
        if (e.code() != ErrorCode::data || number + 1 == scans_.size()) throw;
        if (is_root()) warn(fmt::format("{}; the next result says what the stream looks like", e.what()));
      }
    }
  }

  /// All scans have the tensors of the first one, in sizes of their own.
  Description describe(const io::ResultKinds& first) const {
    const auto type = [](bool is_double) { return is_double ? "complex128" : "complex64"; };
    Description d;
    d.add("object", type(first.object_is_double), {nullptr, nullptr, nullptr}, "mode:y:x", "");
    d.add("probe", type(first.probe_is_double), {nullptr, nullptr, nullptr}, "mode:y:x", "√count");
    if (first.has_coverage) d.add("object_coverage", "float32", {nullptr, nullptr}, "y:x", "");
    d.metadata["scan_count"] = scans_.size();
    return d;
  }

  /// The root's.
  void read(const io::ScanFile& scan, Packet& packet) const {
    const io::ResultFile result = io::read_result(scan.file);
    if (!(result.object_pixel_size_m[0] > 0 && result.object_pixel_size_m[1] > 0 && result.energy_J > 0)) {
      throw Error(ErrorCode::data,
                  scan.file +
                      ": /entry_1/object/pixel_size_m or /entry_1/instrument_1/source_1/energy is missing: "
                      "reconstruct the scan again, or leave it out");
    }
    packet.tensors.emplace("object", copy_of(result.object));
    packet.tensors.emplace("probe", copy_of(result.probe));
    if (!result.object_coverage.empty())
      packet.tensors.emplace("object_coverage", Tensor::own(device::Array<float, 2>::copy_of(result.object_coverage)));
    auto& m = packet.metadata;
    m["pixel_size_m"] = result.object_pixel_size_m;
    m["object_origin_m"] = result.object_origin_m;
    m["wavelength_m"] = wavelength_m_from_energy_J(result.energy_J);
    m["distance_m"] = result.distance_m;
    m["detector_pixel_m"] = result.detector_pixel_m;
    if (const auto angle = scan.rotation_deg ? scan.rotation_deg : result.rotation_deg) m["rotation_deg"] = *angle;
  }

  /// What the root read in a file, the others' packets say, too. Collective.
  void share_metadata(Packet& packet) const {
    agree();
    std::string text = is_root() ? packet.metadata.dump() : "";
    comm::Communicator(host().mpi_communicator(&host())).broadcast(text);
    packet.metadata = Json::parse(text);
  }

  /// Ranks may learn at different moments that the user wants to stop. Collective.
  bool all_should_stop() const {
    agree();
    return comm::Communicator(host().mpi_communicator(&host())).max(should_stop() ? 1 : 0) > 0;
  }

  std::vector<io::ScanFile> scans_;
  std::size_t number_ = 0;  ///< of the next one
};

}  // namespace
}  // namespace ptychoflow

PTYCHOFLOW_STAGE(ptychoflow::LoadResults, .name = "load_results",
                 .summary = "Reads probe and object of scans that were reconstructed before",
                 .parameters_schema = load_results_schema, .consumes = {}, .produces = {"object", "probe"})
