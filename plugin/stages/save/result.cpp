#include "plugin/stages/save/result.hpp"

#include "core/base/units.hpp"
#include "core/base/version.hpp"

namespace ptychoflow::save {
namespace {

using stage::Json;
using stage::Packet;

io::ModeStack modes(const stage::Tensor& tensor) {
  if (tensor.holds<Complex<double>>()) return tensor.view<const Complex<double>, 3>();
  return tensor.view<const Complex<float>, 3>();
}

template <class T, std::size_t Rank>
View<const T, Rank> optional_view(const Packet& packet, const std::string& name) {
  return packet.has(name) ? packet.at(name).view<const T, Rank>() : View<const T, Rank>();
}

template <class T>
std::vector<T> optional_list(const Packet& packet, const std::string& name) {
  const auto values = optional_view<T, 1>(packet, name);
  return {values.begin(), values.end()};
}

std::array<double, 2> pair(const Json& metadata, const char* key) {
  return metadata.value(key, std::array<double, 2>{0, 0});
}

}  // namespace

io::ResultFile result_of(const Packet& packet, const ptychoflow_host& host, const std::string& title) {
  const Json& metadata = packet.metadata;
  io::ResultFile result;
  result.title = title;
  result.start_time = metadata.value("start_time", "");
  result.end_time = metadata.value("end_time", "");
  if (packet.has("object")) result.object = modes(packet.at("object"));
  result.object_pixel_size_m = pair(metadata, "pixel_size_m");
  result.object_origin_m = pair(metadata, "object_origin_m");
  result.object_coverage = optional_view<float, 2>(packet, "object_coverage");
  result.probe = modes(packet.at("probe"));
  result.probe_pixel_size_m = result.object_pixel_size_m;
  result.probe_occupancy = optional_list<double>(packet, "probe_occupancy");
  result.view_offset_px = optional_view<std::int32_t, 2>(packet, "view_offset_px");
  result.view_position_m = optional_view<double, 2>(packet, "view_position_m");
  if (const auto angle = metadata.find("rotation_deg"); angle != metadata.end() && angle->is_number())
    result.rotation_deg = angle->get<double>();
  if (const double wavelength_m = metadata.value("wavelength_m", 0.0); wavelength_m > 0) {
    result.energy_J = energy_J_from_wavelength_m(wavelength_m);
  }
  result.distance_m = metadata.value("distance_m", 0.0);
  result.detector_pixel_m = pair(metadata, "detector_pixel_m");
  result.process = {.program = "ptychoflow",
                    .version = version,
                    .command = host.command,
                    .backend = metadata.value("backend", std::string(host.backend)),
                    .ranks = metadata.value("ranks", host.rank_count),
                    .threads = metadata.value("threads", host.threads),
                    .pipeline = host.pipeline};
  result.history = {.iteration = optional_list<std::int64_t>(packet, "history_iteration"),
                    .object_change = optional_view<double, 2>(packet, "history_object_change"),
                    .probe_change = optional_view<double, 2>(packet, "history_probe_change"),
                    .exit_wave_change = optional_list<double>(packet, "history_exit_wave_change"),
                    .fourier_error = optional_list<double>(packet, "history_fourier_error"),
                    .seconds = optional_list<double>(packet, "history_seconds")};
  return result;
}

}  // namespace ptychoflow::save
