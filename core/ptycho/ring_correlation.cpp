#include "core/ptycho/ring_correlation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/device/fft.hpp"

namespace ptychoflow {
namespace {

/// 1 in the middle half, a cosine down to nearly 0 over a quarter on either side.
std::vector<double> soft_window(Index n) {
  std::vector<double> w(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) {
    const double from_edge = (static_cast<double>(std::min(i, n - 1 - i)) + 0.5) / static_cast<double>(n);
    w[static_cast<std::size_t>(i)] = from_edge >= 0.25 ? 1.0 : 0.5 - 0.5 * std::cos(4 * pi * from_edge);
  }
  return w;
}

/// Share of the Fourier coefficients that stay independent of each other under a window: (Σw²)²/(n·Σw⁴).
double independent_share(const std::vector<double>& w) {
  double second = 0, fourth = 0;
  for (const double v : w) {
    second += v * v;
    fourth += v * v * v * v;
  }
  return second * second / (static_cast<double>(w.size()) * fourth);
}

/// Fourier transform of image minus its windowed mean, times the window.
Image windowed_spectrum(ImageView image, const std::vector<double>& wy, const std::vector<double>& wx,
                        const device::Fft2d<double>& fft) {
  const auto weight = [&](Index y, Index x) {
    return wy[static_cast<std::size_t>(y)] * wx[static_cast<std::size_t>(x)];
  };
  Complex<double> sum{};
  double weights = 0;
  for (Index y = 0; y < image.extent(0); ++y) {
    for (Index x = 0; x < image.extent(1); ++x) {
      sum += weight(y, x) * image(y, x);
      weights += weight(y, x);
    }
  }
  const Complex<double> mean = sum / weights;
  Image spectrum = Image::uninitialized(image.extents());
  for (Index y = 0; y < image.extent(0); ++y) {
    for (Index x = 0; x < image.extent(1); ++x) spectrum(y, x) = weight(y, x) * (image(y, x) - mean);
  }
  fft.forward(spectrum.data());
  return spectrum;
}

/// Spatial frequency of Fourier coefficient `i` of `n`, of pixels `pixel_m` wide.
double frequency_per_m(Index i, Index n, double pixel_m) {
  return static_cast<double>(2 * i > n ? i - n : i) / (static_cast<double>(n) * pixel_m);
}

}  // namespace

RingCorrelation ring_correlation(ImageView a, ImageView b, std::array<double, 2> pixel_size_m) {
  expect(a.extents() == b.extents(), "ring_correlation was given images of different extents");
  const Index ny = a.extent(0), nx = a.extent(1);
  constexpr Index smallest = 16;
  if (std::min(ny, nx) < smallest) {
    throw Error(ErrorCode::data, fmt::format("Fourier ring correlation needs an area of at least {0}×{0} px, and got "
                                             "{1}×{2}: scan a larger area",
                                             smallest, ny, nx));
  }
  const auto wy = soft_window(ny), wx = soft_window(nx);
  const device::Fft2d<double> fft(ny, nx);
  const Image A = windowed_spectrum(a, wy, wx, fft), B = windowed_spectrum(b, wy, wx, fft);

  const double ring_width =
      1 / std::min(static_cast<double>(ny) * pixel_size_m[0], static_cast<double>(nx) * pixel_size_m[1]);
  const double coarser_pixel_m = std::max(pixel_size_m[0], pixel_size_m[1]);
  const auto count = static_cast<std::size_t>(0.5 / coarser_pixel_m / ring_width * (1 + 1e-12)) + 1;
  std::vector<double> cross(count), power_a(count), power_b(count), members(count);
  for (Index y = 0; y < ny; ++y) {
    for (Index x = 0; x < nx; ++x) {
      const double f = std::hypot(frequency_per_m(y, ny, pixel_size_m[0]), frequency_per_m(x, nx, pixel_size_m[1]));
      const auto ring = static_cast<std::size_t>(std::lround(f / ring_width));
      if (ring >= count) continue;
      cross[ring] += (A(y, x) * conj(B(y, x))).re;
      power_a[ring] += norm(A(y, x));
      power_b[ring] += norm(B(y, x));
      members[ring] += 1;
    }
  }

  RingCorrelation result;
  result.finest_half_period_m = coarser_pixel_m;
  const double share = independent_share(wy) * independent_share(wx);
  double contrast = 0;
  for (std::size_t r = 0; r < count; ++r) {
    const double scale = std::sqrt(power_a[r] * power_b[r]);
    contrast += scale;
    result.frequency_per_m.push_back(static_cast<double>(r) * ring_width);
    result.correlation.push_back(scale > 0 ? cross[r] / scale : 0);
    result.independent.push_back(members[r] * share);
  }
  if (!(contrast > 0)) {
    throw Error(ErrorCode::data,
                "Fourier ring correlation of an object without contrast: the two halves were not reconstructed");
  }
  return result;
}

}  // namespace ptychoflow
