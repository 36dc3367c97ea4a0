// Master file of an EIGER detector (DECTRIS): frames in files of their own, to which it links. It knows no positions.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/base/units.hpp"
#include "core/io/scan_content.hpp"

namespace ptychoflow::io {
namespace {

const std::string data_group = "/entry/data";
const std::string detector = "/entry/instrument/detector/";

}  // namespace

ScanContent read_eiger(const InputFile& file) {
  ScanContent content;
  ScanHeader& h = content.header;
  auto names = file.names_in(data_group);
  std::ranges::sort(names, [](const auto& a, const auto& b) { return ::strverscmp(a.c_str(), b.c_str()) < 0; });
  for (const auto& name : names) {
    if (!name.starts_with("data_")) continue;
    const std::string path = fmt::format("{}/{}", data_group, name);
    if (file.access() == Access::growing && !file.has(path)) {  // its file will come
      h.is_growing = true;
      break;
    }
    add_frames(content, file.dataset(path));
  }
  if (content.parts.empty())
    throw Error(ErrorCode::data, file.name() + ": " + data_group + " links to no frames (data_000001 and so on)");
  const std::string mask = detector + "detectorSpecific/pixel_mask";
  if (file.has(mask)) set_mask(content, file.dataset(mask), [](std::int64_t b) { return b != 0; });
  const std::string beam = "/entry/instrument/beam/incident_wavelength";
  if (const auto length = find_number(file, beam)) {
    const bool in_angstroms = file.dataset(beam).text_attribute("units").empty();
    h.energy_J = energy_J_from_wavelength_m(in_angstroms ? 1e-10 * *length : *length);
  }
  h.distance_m = find_number(file, detector + "detector_distance");
  h.pixel_y_m = find_number(file, detector + "y_pixel_size");
  h.pixel_x_m = find_number(file, detector + "x_pixel_size");
  return content;
}

}  // namespace ptychoflow::io
