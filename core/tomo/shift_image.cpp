#include "core/tomo/shift_image.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/device/array.hpp"

namespace ptychoflow::tomo {
namespace {

/// Pixels over which the far edge turns into the near one, so that the periodic image has no step that would ring.
constexpr Index bridge_px = 32;

/// A pixel of the bridged line: a mixture of two pixels of the image's.
struct Source {
  Index first, second;
  double share_of_second;
};

std::vector<Source> bridged(Index n, Index moved_px) {
  const auto inside = [&](Index i) { return std::clamp<Index>(i - moved_px, 0, n - 1); };
  std::vector<Source> line;
  for (Index i = 0; i < n; ++i) line.push_back({inside(i), 0, 0});
  for (Index i = 0; i < bridge_px; ++i) {
    const double t = static_cast<double>(i + 1) / static_cast<double>(bridge_px + 1);
    line.push_back({inside(n - 1), inside(0), 0.5 - 0.5 * std::cos(pi * t)});
  }
  return line;
}

/// exp(−2πi f s/n) for every Fourier coefficient f; the highest of an even number is real, as its own mirror image.
std::vector<Complex<double>> ramp(Index n, double shift_px) {
  std::vector<Complex<double>> factors;
  for (Index i = 0; i < n; ++i) {
    const double f = static_cast<double>(2 * i > n ? i - n : i) / static_cast<double>(n);
    if (2 * i == n) {
      factors.push_back({std::cos(pi * shift_px), 0});
    } else {
      factors.push_back(polar(1.0, -2 * pi * f * shift_px));
    }
  }
  return factors;
}

}  // namespace

ImageShifter::ImageShifter(Extents<2> extents)
    : extents_(extents), fft_(extents[0] + bridge_px, extents[1] + bridge_px) {}

void ImageShifter::shift(View<const float, 2> image, Shift by, View<float, 2> moved) const {
  expect(image.extents() == extents_ && moved.extents() == extents_, "an image to be moved has another size");
  const double whole_y = std::round(by.y_px), whole_x = std::round(by.x_px);
  const auto rows = bridged(extents_[0], static_cast<Index>(whole_y));
  const auto columns = bridged(extents_[1], static_cast<Index>(whole_x));
  const auto ny = static_cast<Index>(rows.size()), nx = static_cast<Index>(columns.size());
  auto spectrum = device::Array<Complex<double>, 2>::uninitialized({ny, nx});
  for (Index y = 0; y < ny; ++y) {
    const Source& r = rows[static_cast<std::size_t>(y)];
    for (Index x = 0; x < nx; ++x) {
      const Source& c = columns[static_cast<std::size_t>(x)];
      const auto along = [&](Index row) {
        return (1 - c.share_of_second) * image(row, c.first) + c.share_of_second * image(row, c.second);
      };
      spectrum(y, x) = {(1 - r.share_of_second) * along(r.first) + r.share_of_second * along(r.second), 0};
    }
  }
  fft_.forward(spectrum.data());
  const auto ramp_y = ramp(ny, by.y_px - whole_y), ramp_x = ramp(nx, by.x_px - whole_x);
  const double scale = 1 / static_cast<double>(ny * nx);
  for (Index y = 0; y < ny; ++y) {
    for (Index x = 0; x < nx; ++x) {
      spectrum(y, x) *= scale;
      spectrum(y, x) = spectrum(y, x) * (ramp_y[static_cast<std::size_t>(y)] * ramp_x[static_cast<std::size_t>(x)]);
    }
  }
  fft_.inverse(spectrum.data());
  for (Index y = 0; y < extents_[0]; ++y) {
    for (Index x = 0; x < extents_[1]; ++x) moved(y, x) = static_cast<float>(spectrum(y, x).re);
  }
}

}  // namespace ptychoflow::tomo
