// NXcxi_ptycho, the application definition of NeXus, and what Diamond writes: CXI's names, units beside the numbers,
// and frames of a raster in rows and columns.
#include "core/base/units.hpp"
#include "core/io/scan_content.hpp"

namespace ptychoflow::io {
namespace {

const std::string entry = "/entry_1/";
const std::string instrument = "/entry_1/instrument_1/";
const std::string detector = "/entry_1/instrument_1/detector_1/";

/// source_1/energy is that of the electrons.
std::optional<double> photon_energy_J(const InputFile& file) {
  for (const char* name : {"beam_1/energy", "beam_1/incident_beam_energy", "beam_1/incident_energy"}) {
    if (const auto energy_J = find_number(file, instrument + name)) return energy_J;
  }
  const auto wavelength_m = find_number(file, instrument + "beam_1/incident_wavelength");
  return wavelength_m ? std::optional(energy_J_from_wavelength_m(*wavelength_m)) : std::nullopt;
}

}  // namespace

ScanContent read_nexus(const InputFile& file) {
  ScanContent content;
  ScanHeader& h = content.header;
  add_frames(content, file.dataset(find_dataset(file, {detector + "data", entry + "data_1/data", entry + "data/data"},
                                                "frames")));
  if (file.has(entry + "data/x") && file.has(entry + "data/y")) {
    set_translation(h, file.dataset(entry + "data/x"), file.dataset(entry + "data/y"), 1, 1);
  } else {
    set_translation(h,
                    file.dataset(find_dataset(file,
                                              {entry + "data_1/translation", detector + "translation",
                                               detector + "transformations", entry + "sample_1/geometry_1/translation"},
                                              "positions")));
  }
  h.energy_J = photon_energy_J(file);
  h.distance_m = find_number(file, detector + "distance");
  h.pixel_y_m = find_number(file, detector + "y_pixel_size");
  h.pixel_x_m = find_number(file, detector + "x_pixel_size");
  for (const char* name : {"pixel_mask", "mask"}) {
    if (content.mask || !file.has(detector + name)) continue;
    set_mask(content, file.dataset(detector + name), [](std::int64_t b) { return b != 0; });
  }
  for (const char* name : {"darkfield", "data_dark"}) {
    if (!content.dark && file.has(detector + name)) set_dark(content, file.dataset(detector + name));
  }
  return content;
}

}  // namespace ptychoflow::io
