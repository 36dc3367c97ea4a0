#include "core/ptycho/registration.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/device/fft.hpp"

namespace ptychoflow {
namespace {

using Coordinates = std::vector<double>;

/// Index along an axis of `n` Fourier coefficients as a signed whole number.
double signed_index(Index i, Index n) { return static_cast<double>(2 * i > n ? i - n : i); }

/// Cycles a pixel of each Fourier coefficient.
Coordinates frequencies(Index n) {
  Coordinates f(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) f[static_cast<std::size_t>(i)] = signed_index(i, n) / static_cast<double>(n);
  return f;
}

/// −i/n for each pixel: a ramp of k turns over n pixels is taken away by exp(2πi·k·coordinate). Beyond n pixels it
/// goes on.
Coordinates ramp_coordinates(Index pixels, Index n) {
  Coordinates t(static_cast<std::size_t>(pixels));
  for (Index i = 0; i < pixels; ++i) t[static_cast<std::size_t>(i)] = -static_cast<double>(i) / static_cast<double>(n);
  return t;
}

Complex<double> turn(double turns) { return polar(1.0, 2 * pi * turns); }

/// factor[i] = exp(2πi·k·coordinates[i])
std::vector<Complex<double>> phase_factors(const Coordinates& coordinates, double k) {
  std::vector<Complex<double>> factors;
  factors.reserve(coordinates.size());
  for (const double c : coordinates) factors.push_back(turn(k * c));
  return factors;
}

/// image(y, x) ·= exp(2πi(k.y·u[y] + k.x·v[x]))
void multiply_ramp(Image& image, const Coordinates& u, const Coordinates& v, Shift k) {
  const auto fy = phase_factors(u, k.y_px), fx = phase_factors(v, k.x_px);
  for (Index y = 0; y < image.extent(0); ++y) {
    for (Index x = 0; x < image.extent(1); ++x) {
      image(y, x) *= fy[static_cast<std::size_t>(y)] * fx[static_cast<std::size_t>(x)];
    }
  }
}

/// The k on a grid of 13×13 points, `step` apart, around `centre` where |Σ field(y,x)·exp(2πi(k.y·u[y]+k.x·v[x]))| is
/// largest. The sum over y is done first, for all rows of the grid in one pass over the field.
Shift best_on_grid(ImageView field, const Coordinates& u, const Coordinates& v, Shift centre, double step) {
  constexpr Index reach = 6, side = 2 * reach + 1;
  const Index ny = field.extent(0), nx = field.extent(1);
  Image partial({side, nx});
  for (Index y = 0; y < ny; ++y) {
    const auto row = field[y];
    for (Index i = 0; i < side; ++i) {
      const Complex<double> f =
          turn((centre.y_px + step * static_cast<double>(i - reach)) * u[static_cast<std::size_t>(y)]);
      const auto sum = partial[i];
      for (Index x = 0; x < nx; ++x) sum[x] += f * row[x];
    }
  }
  Shift best = centre;
  double highest = -1;
  for (Index j = 0; j < side; ++j) {
    const double kx = centre.x_px + step * static_cast<double>(j - reach);
    const auto fx = phase_factors(v, kx);
    for (Index i = 0; i < side; ++i) {
      Complex<double> sum{};
      const auto row = partial[i];
      for (Index x = 0; x < nx; ++x) sum += row[x] * fx[static_cast<std::size_t>(x)];
      if (norm(sum) > highest) {
        highest = norm(sum);
        best = {centre.y_px + step * static_cast<double>(i - reach), kx};
      }
    }
  }
  return best;
}

/// Climbs from a whole-number peak to the true one beside it, by ever finer grids.
Shift refined(ImageView field, const Coordinates& u, const Coordinates& v, Shift whole) {
  Shift k = whole;
  for (const double step : {0.25, 0.05, 0.01, 0.002}) k = best_on_grid(field, u, v, k, step);
  return k;
}

Shift whole_number_peak(ImageView field) {
  const auto peak = std::max_element(field.begin(), field.end(),
                                     [](Complex<double> a, Complex<double> b) { return norm(a) < norm(b); });
  const Index at = peak - field.begin(), nx = field.extent(1);
  return {signed_index(at / nx, field.extent(0)), signed_index(at % nx, nx)};
}

/// Σ a·conj(b)
Complex<double> inner(ImageView a, ImageView b) {
  Complex<double> sum{};
  for (Index i = 0; i < a.size(); ++i) sum += a.data()[i] * conj(b.data()[i]);
  return sum;
}

Image product_with_conjugate(ImageView a, ImageView b) {
  Image q = Image::uninitialized(a.extents());
  for (Index i = 0; i < a.size(); ++i) q.data()[i] = a.data()[i] * conj(b.data()[i]);
  return q;
}

/// The linear phase ramp that `image` has and `reference` has not, in turns over their extents. For the best complex
/// scale, the squared distance of the two falls with |Σ image·conj(reference)·ramp|: its peak is sought.
Shift find_ramp(ImageView image, ImageView reference) {
  expect(reference.extents() == image.extents(), "a phase ramp between images of different extents");
  const Index ny = image.extent(0), nx = image.extent(1);
  const Image product = product_with_conjugate(image, reference);
  Image spectrum = Image::copy_of(product);
  device::Fft2d<double>(ny, nx).forward(spectrum.data());
  return refined(product, ramp_coordinates(ny, ny), ramp_coordinates(nx, nx), whole_number_peak(spectrum));
}

/// Takes away a ramp of so many turns over `extents`; the image may be larger.
void remove_ramp(Image& image, Shift turns, Extents<2> extents) {
  multiply_ramp(image, ramp_coordinates(image.extent(0), extents[0]), ramp_coordinates(image.extent(1), extents[1]),
                turns);
}

/// The image of a spectrum, moved.
Image shifted_from(const Image& spectrum, const device::Fft2d<double>& fft, Shift by) {
  Image moved = Image::copy_of(spectrum);
  multiply_ramp(moved, frequencies(fft.ny()), frequencies(fft.nx()), {-by.y_px, -by.x_px});
  fft.inverse(moved.data());
  const double scale = 1.0 / static_cast<double>(moved.size());
  for (auto& v : moved) v *= scale;
  return moved;
}

}  // namespace

Image cut(ImageView image, const Area& area) {
  for (const std::size_t axis : {0, 1}) {
    expect(area.first[axis] >= 0 && area.size[axis] >= 0 && area.first[axis] + area.size[axis] <= image.extent(axis),
           "an area reaches beyond its image");
  }
  Image part = Image::uninitialized(area.size);
  for (Index y = 0; y < area.size[0]; ++y) {
    std::copy_n(&image(area.first[0] + y, area.first[1]), area.size[1], part[y].begin());
  }
  return part;
}

Image shifted(ImageView image, Shift by) {
  const device::Fft2d<double> fft(image.extent(0), image.extent(1));
  Image spectrum = Image::copy_of(image);
  fft.forward(spectrum.data());
  return shifted_from(spectrum, fft, by);
}

Shift find_shift(ImageView reference, ImageView image) {
  expect(reference.extents() == image.extents(), "find_shift was given images of different extents");
  const device::Fft2d<double> fft(image.extent(0), image.extent(1));
  Image a = Image::copy_of(reference), b = Image::copy_of(image);
  fft.forward(a.data());
  fft.forward(b.data());
  const Image cross = product_with_conjugate(a, b);
  Image& correlation = a;
  correlation = Image::copy_of(cross);
  fft.inverse(correlation.data());
  return refined(cross, frequencies(fft.ny()), frequencies(fft.nx()), whole_number_peak(correlation));
}

Image without_ramp(ImageView image, ImageView reference) {
  Image result = Image::copy_of(image);
  remove_ramp(result, find_ramp(image, reference), reference.extents());
  const Complex<double> scale = inner(reference, result) / inner(result, result).re;
  for (auto& value : result) value *= scale;
  return result;
}

Aligned align(ImageView image, const Area& area, ImageView reference) {
  expect(reference.extents() == area.size, "align was given a reference that is not of the area's size");
  const device::Fft2d<double> fft(image.extent(0), image.extent(1));
  Image spectrum = Image::copy_of(image);
  // A ramp breaks off at the array's edges, and moving what breaks off makes it ring: so it goes first, everywhere.
  remove_ramp(spectrum, find_ramp(cut(image, area), reference), area.size);
  fft.forward(spectrum.data());

  Aligned result;
  constexpr int round_limit = 4;  // a ramp hides part of the shift, so the two are found in turns
  constexpr double settled_px = 0.005;
  for (int round = 0;; ++round) {
    result.image = without_ramp(cut(shifted_from(spectrum, fft, result.shift), area), reference);
    if (round == round_limit) break;
    const Shift step = find_shift(reference, result.image);
    if (std::max(std::abs(step.y_px), std::abs(step.x_px)) < settled_px) break;
    result.shift.y_px += step.y_px;
    result.shift.x_px += step.x_px;
  }
  return result;
}

}  // namespace ptychoflow
