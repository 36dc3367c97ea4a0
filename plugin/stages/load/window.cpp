#include "plugin/stages/load/window.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/error.hpp"
#include "core/io/scan_checks.hpp"

namespace ptychoflow::load {
namespace {

constexpr Index most_samples = 32;

/// Centre of mass of the mean of some frames spread over the scan.
Extents<2> find_center(const io::Scan& scan, const Parameters& p, Index count) {
  const io::ScanHeader& h = scan.header();
  device::Array<double, 2> sum(h.frame_shape), frame(h.frame_shape);
  const Index samples = std::min(count, most_samples);
  for (Index s = 0; s < samples; ++s) {
    scan.read_frames(p.first + count * s / samples * p.step, 1, 1, {0, 0, h.frame_shape}, frame.data());
    for (Index i = 0; i < sum.size(); ++i) sum.data()[i] += frame.data()[i];
  }
  const auto mask = scan.mask();
  io::check_mask(mask.view(), h.file);
  const auto center = io::center_of_mass(std::as_const(sum).view(), mask.view());
  if (!center) {
    throw Error(ErrorCode::data, fmt::format("{}: dataset {}: all frames looked at are zero, so the beam's centre "
                                             "cannot be found: check the file, or set center: [y, x]",
                                             h.file, h.frames_path));
  }
  return *center;
}

}  // namespace

io::DetectorWindow window_for(const io::Scan& scan, const Parameters& p, Index count,
                              std::optional<Extents<2>>& found) {
  const auto frame = scan.header().frame_shape;
  if (!p.frame_size) return {{0, 0, frame}, frame, {0, 0}};
  if (!p.center) found = find_center(scan, p, count);
  return io::place_window(frame, *p.frame_size, p.center ? *p.center : *found, p.padding, scan.header().file);
}

}  // namespace ptychoflow::load
