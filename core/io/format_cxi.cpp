// CXI 1.6, as the specification and the programs that write it lay it out.
#include <fmt/format.h>

#include "core/base/units.hpp"
#include "core/io/scan_content.hpp"

namespace ptychoflow::io {
namespace {

const std::string entry = "/entry_1/";
const std::string detector = "/entry_1/instrument_1/detector_1/";
const std::string source = "/entry_1/instrument_1/source_1/";
const std::string probe_path = "/entry_1/instrument_1/initial_probe";
const std::string truth = "/truth/";

constexpr std::int64_t has_signal = 0x1000;  // the one mask bit that leaves a pixel good

void read_instrument(const InputFile& file, ScanHeader& h) {
  h.energy_J = find_number(file, source + "energy");
  if (!h.energy_J) {
    if (const auto wavelength_m = find_number(file, source + "wavelength"))
      h.energy_J = energy_J_from_wavelength_m(*wavelength_m);
  }
  h.distance_m = find_number(file, detector + "distance");
  h.pixel_y_m = find_number(file, detector + "y_pixel_size");
  h.pixel_x_m = find_number(file, detector + "x_pixel_size");
  if (!h.pixel_y_m) h.pixel_y_m = h.pixel_x_m;
  if (!h.pixel_x_m) h.pixel_x_m = h.pixel_y_m;
}

std::string modes_type(const Dataset& data) {
  return data.element_bytes() == sizeof(Complex<double>) ? "complex128" : "complex64";
}

void read_truth(const InputFile& file, ScanContent& content) {
  ScanHeader& h = content.header;
  h.has_truth = file.has(truth + "object") && file.has(truth + "probe") && file.has(truth + "frame_offset_px");
  if (file.access() == Access::growing) h.has_truth = false;  // it is of all frames
  if (!h.has_truth) return;
  content.truth_path = truth;
  const Dataset object = file.dataset(truth + "object"), probe = file.dataset(truth + "probe");
  h.truth_object = mode_extents(object);
  h.truth_probe = mode_extents(probe);
  h.truth_object_type = modes_type(object);
  h.truth_probe_type = modes_type(probe);
  const Dataset offsets = file.dataset(truth + "frame_offset_px");
  offsets.require_numbers();
  if (offsets.shape() != std::vector<Index>{h.frame_count, 2}) {
    throw Error(ErrorCode::data, fmt::format("{}: has the shape {}, but must be ({}, 2)", offsets.where(),
                                             offsets.shape_text(), h.frame_count));
  }
}

}  // namespace

ScanContent read_cxi(const InputFile& file) {
  ScanContent content;
  ScanHeader& h = content.header;
  Dataset frames = file.dataset(find_dataset(file, {entry + "data_1/data", detector + "data"}, "frames"));
  frames.require_rank(3, "frame, y, x");
  add_frames(content, std::move(frames));
  set_translation(
      h, file.dataset(find_dataset(
             file, {entry + "data_1/translation", entry + "sample_1/geometry_1/translation", detector + "translation"},
             "positions")));
  read_instrument(file, h);
  if (file.has(detector + "mask")) {
    set_mask(content, file.dataset(detector + "mask"), [](std::int64_t b) { return b != 0 && b != has_signal; });
  }
  if (file.has(detector + "data_dark")) set_dark(content, file.dataset(detector + "data_dark"));
  if (file.has(probe_path)) {
    const Dataset probe = file.dataset(probe_path);
    content.probe_path = probe_path;
    h.initial_probe = mode_extents(probe);
    h.initial_probe_type = modes_type(probe);
  }
  read_truth(file, content);
  return content;
}

}  // namespace ptychoflow::io
