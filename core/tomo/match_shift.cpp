#include "core/tomo/match_shift.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"
#include "core/device/array.hpp"
#include "core/device/fft.hpp"
#include "core/tomo/least_squares.hpp"

namespace ptychoflow::tomo {
namespace {

using Spectrum = device::Array<Complex<double>, 2>;

/// Fourier transform of the image without its best plane, with so many zeros around.
Spectrum spectrum_of(View<const float, 2> image, const device::Fft2d<double>& fft) {
  LeastSquares<3> plane;
  const auto base = [](Index y, Index x) {
    return std::array<double, 3>{1, static_cast<double>(y), static_cast<double>(x)};
  };
  for (Index y = 0; y < image.extent(0); ++y) {
    for (Index x = 0; x < image.extent(1); ++x) plane.add(base(y, x), image(y, x));
  }
  const auto p = plane.solve();
  Spectrum s({fft.ny(), fft.nx()});
  for (Index y = 0; y < image.extent(0); ++y) {
    for (Index x = 0; x < image.extent(1); ++x) {
      s(y, x) = {image(y, x) - p[0] - p[1] * static_cast<double>(y) - p[2] * static_cast<double>(x), 0};
    }
  }
  fft.forward(s.data());
  return s;
}

/// The whole-pixel shift where the cross-correlation is highest.
Extents<2> correlation_peak(View<const float, 2> image, View<const float, 2> reference, Extents<2> reach) {
  const device::Fft2d<double> fft(image.extent(0) + reach[0], image.extent(1) + reach[1]);
  Spectrum product = spectrum_of(reference, fft);
  const Spectrum other = spectrum_of(image, fft);
  for (Index i = 0; i < product.size(); ++i) product.data()[i] = product.data()[i] * conj(other.data()[i]);
  fft.inverse(product.data());
  Extents<2> best{};
  double highest = product(0, 0).re;
  for (Index y = -reach[0]; y <= reach[0]; ++y) {
    for (Index x = -reach[1]; x <= reach[1]; ++x) {
      const double v = product(y < 0 ? y + fft.ny() : y, x < 0 ? x + fft.nx() : x).re;
      if (v > highest) {
        highest = v;
        best = {y, x};
      }
    }
  }
  return best;
}

/// Correlation coefficient of curve(i − shift) and reference(i) where both are; 0 if one of them is constant there.
double coefficient(const std::vector<double>& curve, const std::vector<double>& reference, Index shift) {
  const auto n = static_cast<Index>(curve.size());
  double product = 0, of_curve = 0, of_reference = 0;
  for (Index i = std::max<Index>(0, shift); i < std::min(n, n + shift); ++i) {
    const double a = curve[static_cast<std::size_t>(i - shift)], b = reference[static_cast<std::size_t>(i)];
    product += a * b;
    of_curve += a * a;
    of_reference += b * b;
  }
  const double scale = std::sqrt(of_curve * of_reference);
  return scale > 0 ? product / scale : 0;
}

}  // namespace

Shift shift_onto(View<const float, 2> image, View<const float, 2> reference, double max_px) {
  expect(image.extents() == reference.extents(), "images to be matched differ in size");
  const Index ny = image.extent(0), nx = image.extent(1);
  const auto reach = [&](Index n) { return std::clamp<Index>(static_cast<Index>(max_px), 0, n / 2); };
  const Extents<2> whole = correlation_peak(image, reference, {reach(ny), reach(nx)});

  LeastSquares<6> fit;  // scale, scale times the shifts, plane
  for (Index y = std::max<Index>(1, whole[0]); y < std::min(ny - 1, ny + whole[0]); ++y) {
    for (Index x = std::max<Index>(1, whole[1]); x < std::min(nx - 1, nx + whole[1]); ++x) {
      fit.add({reference(y, x), 0.5 * (reference(y + 1, x) - reference(y - 1, x)),
               0.5 * (reference(y, x + 1) - reference(y, x - 1)), 1, static_cast<double>(y) / static_cast<double>(ny),
               static_cast<double>(x) / static_cast<double>(nx)},
              image(y - whole[0], x - whole[1]));
    }
  }
  const auto c = fit.solve();
  const auto rest = [&](double by) { return c[0] > 0.05 ? std::clamp(by / c[0], -1.0, 1.0) : 0.0; };
  const auto limited = [&](double by) { return std::clamp(by, -max_px, max_px); };
  return {limited(static_cast<double>(whole[0]) + rest(c[1])), limited(static_cast<double>(whole[1]) + rest(c[2]))};
}

double shift_onto(const std::vector<double>& curve, const std::vector<double>& reference, double max_px) {
  expect(curve.size() == reference.size(), "curves to be matched differ in length");
  const Index reach = std::min(static_cast<Index>(max_px), static_cast<Index>(curve.size()) / 2);
  Index best = 0;
  double highest = coefficient(curve, reference, 0);
  for (Index s = -reach; s <= reach; ++s) {
    if (const double v = coefficient(curve, reference, s); v > highest) {
      highest = v;
      best = s;
    }
  }
  if (best == -reach || best == reach) return static_cast<double>(best);
  const double before = coefficient(curve, reference, best - 1), after = coefficient(curve, reference, best + 1);
  const double bend = before - 2 * highest + after;
  return static_cast<double>(best) + (bend < 0 ? 0.5 * (before - after) / bend : 0);
}

}  // namespace ptychoflow::tomo
