#include "plugin/stages/load/settle_orientation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "core/io/frame_types.hpp"
#include "core/ptycho/central_views.hpp"

namespace ptychoflow::load {
namespace {

device::Array<Complex<double>, 3> widened(const io::StoredModes& modes) {
  return std::visit(
      [](const auto& stack) {
        device::Array<Complex<double>, 3> wide(stack.extents());
        std::transform(stack.begin(), stack.end(), wide.begin(), [](auto v) {
          return Complex<double>{static_cast<double>(v.re), static_cast<double>(v.im)};
        });
        return wide;
      },
      modes);
}

/// Magnitudes, and the mean frame, of counts (frame, y, x) with the zero frequency at pixel n/2.
template <class T>
void add_frames(View<const T, 3> counts, const device::Array<std::uint8_t, 2>& mask, ptycho::TrialScan& trial) {
  const Index ny = counts.extent(1), nx = counts.extent(2);
  auto magnitudes = std::make_shared<device::Array<float, 3>>(counts.extents());
  for (Index j = 0; j < counts.extent(0); ++j) {
    for (Index y = 0; y < ny; ++y) {
      for (Index x = 0; x < nx; ++x) {
        float& m = (*magnitudes)(j, (y + ny - ny / 2) % ny, (x + nx - nx / 2) % nx);
        const auto count = static_cast<double>(counts(j, y, x));
        if (mask(y, x) != 0 || count < 0) {
          m = -1;
          continue;
        }
        m = static_cast<float>(std::sqrt(count));
        trial.light.mean_counts(y, x) += count / static_cast<double>(counts.extent(0));
      }
    }
  }
  trial.magnitudes = std::move(magnitudes);
}

}  // namespace

std::vector<ptycho::OrientationTrial> settle_orientation(const io::Scan& scan, FrameReader& frames,
                                                         const io::ScanGeometry& geometry,
                                                         const std::vector<std::array<double, 2>>& positions,
                                                         const Parameters& p, device::ThreadPool& threads) {
  std::vector<ptycho::Yx<double>> all;
  for (const auto& [y, x] : positions) all.push_back({y, x});
  const auto numbers = ptycho::central_views(all, ptycho::trial_views);
  ptycho::TrialScan trial;
  trial.optics = {geometry.wavelength_m,
                  geometry.distance_m,
                  {geometry.detector_pixel_m[0], geometry.detector_pixel_m[1]},
                  {geometry.frame[0], geometry.frame[1]}};
  for (const Index n : numbers) trial.positions_m.push_back(all[static_cast<std::size_t>(n)]);
  trial.light.wavelength_m = geometry.wavelength_m;
  trial.light.mask = device::Array<std::uint8_t, 2>::copy_of(frames.mask().view());
  trial.light.mean_counts = device::Array<double, 2>(geometry.frame);
  const auto& probe = scan.header().initial_probe;
  if (probe[0] > 0 && probe[1] == geometry.frame[0] && probe[2] == geometry.frame[1])
    trial.light.initial_probe = widened(scan.initial_probe());
  const stage::Tensor counts = frames.read(numbers, p.first, p.step);
  io::with_frame_type(frames.type(), [&]<class T>(std::type_identity<T>) {
    add_frames(counts.view<const T, 3>(), frames.mask(), trial);
  });

  auto trials = ptycho::try_orientations(trial, threads);
  if (ptycho::is_clear(trials)) return trials;
  std::string list;
  for (const auto& t : trials) list += fmt::format("\n  R {:.4f}  {}", t.r_factor, t.orientation.text());
  throw Error(
      ErrorCode::data,
      fmt::format("{}: positions: auto: of the eight orientations none is clearly best on {} views; set swap_xy, "
                  "flip_x and flip_y by what is known of the beamline{}:{}",
                  scan.header().file, numbers.size(),
                  trial.light.initial_probe.empty() ? ", or give the scan a starting probe" : "", list));
}

}  // namespace ptychoflow::load
