#include "plugin/stages/ptycho_dm/gathered_scan.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ptychoflow::ptycho_dm {

using namespace ptycho;

namespace {

template <class U>
device::Array<Complex<double>, 3> widened(View<const Complex<U>, 3> modes) {
  device::Array<Complex<double>, 3> wide(modes.extents());
  std::transform(modes.begin(), modes.end(), wide.begin(), [](Complex<U> v) {
    return Complex<double>{static_cast<double>(v.re), static_cast<double>(v.im)};
  });
  return wide;
}

}  // namespace

template <class T>
void GatheredScan<T>::set_initial_probe(const stage::Tensor& probe) {
  light_.initial_probe = probe.holds<Complex<double>>() ? widened(probe.view<const Complex<double>, 3>())
                                                        : widened(probe.view<const Complex<float>, 3>());
}

template <class T>
Problem<T> GatheredScan<T>::gather(const FrameStore<T>& frames, std::shared_ptr<const Magnitudes> magnitudes,
                                   const stage::Json& metadata) {
  gather_positions(frames);
  const auto pixel = metadata.at("detector_pixel_m").get<std::vector<double>>();
  const Optics optics{metadata.at("wavelength_m"), metadata.at("distance_m"), {pixel.at(0), pixel.at(1)}, frame_};
  gather_light(frames, optics.wavelength_m);
  std::vector<LocalView> views;
  for (std::size_t i = 0; i < frames.frame_index().size(); ++i) {
    views.push_back({static_cast<Index>(frames.frame_index()[i]), static_cast<Index>(i)});
  }
  const Layout layout =
      lay_out(optics, positions_m_, is_anchored_ ? std::optional(positions_m_.front()) : std::nullopt);
  return {layout, std::move(magnitudes), views, distribution_of(layout, views)};
}

template <class T>
void GatheredScan<T>::gather_positions(const FrameStore<T>& frames) {
  const auto indices = ranks_.gather(frames.frame_index());
  const auto positions = ranks_.gather(frames.positions_m());
  const auto count = static_cast<Index>(indices.size());
  positions_m_.assign(indices.size(), {});
  std::vector<bool> seen(indices.size());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const auto j = static_cast<std::size_t>(indices[i]);
    if (indices[i] < 0 || indices[i] >= count || seen[j]) {
      throw Error(ErrorCode::other, fmt::format("frame_index: {} frames must be numbered 0 to {}, each once; {} is not",
                                                count, count - 1, indices[i]));
    }
    seen[j] = true;
    positions_m_[j] = {positions[2 * i], positions[2 * i + 1]};
  }
}

template <class T>
void GatheredScan<T>::gather_light(const FrameStore<T>& frames, double wavelength_m) {
  light_.wavelength_m = wavelength_m;
  light_.mask = device::Array<std::uint8_t, 2>::copy_of(frames.mask());
  light_.mean_counts = device::Array<double, 2>::copy_of(frames.summed_counts());
  ranks_.sum(light_.mean_counts.view());
  for (double& c : light_.mean_counts) c /= static_cast<double>(positions_m_.size());
  if (std::all_of(light_.mean_counts.begin(), light_.mean_counts.end(), [](double c) { return c == 0; })) {
    throw Error(ErrorCode::data, "all frames are zero wherever they are measured: check the data and the mask");
  }
}

template <class T>
Distribution GatheredScan<T>::distribution_of(const Layout& layout, const std::vector<LocalView>& views) const {
  std::vector<Yx<Index>> windows;
  for (const auto& v : views) windows.push_back(layout.windows[static_cast<std::size_t>(v.scan_index)]);
  const device::Share mine = touched_rows(frame_.y, windows);
  const auto all = ranks_.gather(std::vector<std::int64_t>{mine.first, mine.last});
  std::vector<device::Share> touched;
  for (std::size_t r = 0; r < all.size(); r += 2) touched.push_back({all[r], all[r + 1]});
  return distribute(layout.object.y, touched, ranks_.rank());
}

template class GatheredScan<float>;
template class GatheredScan<double>;

}  // namespace ptychoflow::ptycho_dm
