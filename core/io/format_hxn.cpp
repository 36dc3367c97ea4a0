// scan_N.h5 of the HXN beamline at NSLS-II, as its ptychography program saves and takes them: everything at the root.
#include <cmath>

#include "core/base/units.hpp"
#include "core/io/scan_content.hpp"

namespace ptychoflow::io {
namespace {

/// @throws Error (data) if the file does not say
double number(const InputFile& file, const std::string& path, const char* what) {
  return file.dataset(find_dataset(file, {path}, what)).scalar<double>();
}

}  // namespace

/// Frames are roots of counts, cut around the beam's centre, turned by a quarter (numpy's rot90 with axes (1, 0)) and
/// with their centre moved to the corner; Scan undoes all that. Motors move the sample against the direction of the
/// view: that program's defaults (x_direction, y_direction) turn both signs, its y is along the turned frame, and x is
/// foreshortened by the sample's angle.
ScanContent read_hxn(const InputFile& file) {
  ScanContent content;
  ScanHeader& h = content.header;
  Dataset frames = file.dataset("/diffamp");
  frames.require_rank(3, "frame, x, y");
  add_frames(content, std::move(frames));
  content.hxn_amplitudes = true;
  std::swap(h.frame_shape[0], h.frame_shape[1]);
  h.frame_type = "float32";
  set_translation(h, file.dataset("/points"));
  const double angle_rad = file.has("/angle") ? file.dataset("/angle").scalar<double>() * pi / 180 : 0;
  for (auto& [x, y] : h.translation_m) {
    x *= -1e-6 * std::abs(std::cos(angle_rad));
    y *= 1e-6;
  }
  h.energy_J = energy_J_from_wavelength_m(1e-9 * number(file, "/lambda_nm", "wavelength"));
  h.distance_m = number(file, "/z_m", "distance of the detector");
  h.pixel_y_m = h.pixel_x_m = 1e-6 * number(file, "/ccd_pixel_um", "pixel of the detector");
  return content;
}

}  // namespace ptychoflow::io
