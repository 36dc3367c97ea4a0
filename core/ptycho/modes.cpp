#include "core/ptycho/modes.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/device/fft.hpp"
#include "core/ptycho/hermitian.hpp"

namespace ptychoflow::ptycho {
namespace {

using Modes = device::Array<Complex<double>, 3>;
using Field = View<Complex<double>, 2>;

double power(View<const Complex<double>, 2> field) {
  double sum = 0;
  for (const auto& p : field) sum += norm(p);
  return sum;
}

/// Root mean square distance from the centre, pixels, weighted by intensity.
double rms_radius(View<const Complex<double>, 2> field) {
  double weight = 0, moment = 0;
  for (Index y = 0; y < field.extent(0); ++y) {
    for (Index x = 0; x < field.extent(1); ++x) {
      const double dy = static_cast<double>(y - field.extent(0) / 2), dx = static_cast<double>(x - field.extent(1) / 2);
      weight += norm(field(y, x));
      moment += norm(field(y, x)) * (dy * dy + dx * dx);
    }
  }
  return weight > 0 ? std::max(std::sqrt(moment / weight), 1.0) : 1.0;
}

/// Exponents of x and y of the m-th polynomial: 1, x, y, xy, x², y², then by rising degree.
std::pair<int, int> exponents(Index m) {
  static constexpr std::pair<int, int> low[] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}, {2, 0}, {0, 2}};
  if (m < 6) return low[m];
  Index at = 6;
  for (int degree = 3;; ++degree) {
    if (m < at + degree + 1) return {degree - static_cast<int>(m - at), static_cast<int>(m - at)};
    at += degree + 1;
  }
}

/// Takes the part along each earlier mode out of mode m.
void make_orthogonal(Modes& modes, Index m) {
  const Field mode = modes.view()[m];
  for (Index e = 0; e < m; ++e) {
    const Field earlier = modes.view()[e];
    Complex<double> overlap{};
    for (Index i = 0; i < mode.size(); ++i) overlap += conj(earlier.data()[i]) * mode.data()[i];
    const double p = power(earlier);
    if (p <= 0) continue;
    for (Index i = 0; i < mode.size(); ++i) mode.data()[i] -= (overlap / p) * earlier.data()[i];
  }
}

void hermite(Modes& modes, Index m, double sigma, double diversity) {
  const Index ny = modes.extent(1), nx = modes.extent(2);
  const auto [px, py] = exponents(m);
  for (Index y = 0; y < ny; ++y) {
    for (Index x = 0; x < nx; ++x) {
      const double polynomial =
          std::pow(static_cast<double>(x - nx / 2) / sigma, px) * std::pow(static_cast<double>(y - ny / 2) / sigma, py);
      modes(m, y, x) = diversity * polynomial * modes(0, y, x);
    }
  }
  make_orthogonal(modes, m);
}

/// Convolves with a Gaussian of standard deviation `sigma` pixels.
void blur(Field field, double sigma) {
  const Index ny = field.extent(0), nx = field.extent(1);
  const device::Fft2d<double> fft(ny, nx);
  device::Array<Complex<double>, 2> copy = device::Array<Complex<double>, 2>::copy_of(field);
  fft.forward(copy.data());
  const auto frequency = [](Index i, Index n) {
    return static_cast<double>(i < (n + 1) / 2 ? i : i - n) / static_cast<double>(n);
  };
  for (Index y = 0; y < ny; ++y) {
    for (Index x = 0; x < nx; ++x) {
      const double fy = frequency(y, ny), fx = frequency(x, nx);
      copy(y, x) *= std::exp(-2 * pi * pi * sigma * sigma * (fy * fy + fx * fx)) / static_cast<double>(ny * nx);
    }
  }
  fft.inverse(copy.data());
  std::copy(copy.begin(), copy.end(), field.begin());
}

}  // namespace

Modes make_modes(View<const Complex<double>, 2> main, Index count, ModeStart start, double diversity,
                 std::uint64_t seed) {
  if (count < 1) throw Error(ErrorCode::usage, "at least one probe mode is needed");
  const Index ny = main.extent(0), nx = main.extent(1);
  const double sigma = rms_radius(main);
  Modes modes({count, ny, nx});
  std::copy(main.begin(), main.end(), modes.begin());
  std::mt19937_64 generator(seed);
  for (Index m = 1; m < count; ++m) {
    const Field mode = modes.view()[m];
    switch (start) {
      case ModeStart::hermite:
        hermite(modes, m, sigma, diversity);
        break;
      case ModeStart::blur: {
        std::copy(main.begin(), main.end(), mode.begin());
        blur(mode, sigma * std::exp2(static_cast<double>(m - 1)));
        for (auto& p : mode) p *= diversity;
        break;
      }
      case ModeStart::random: {
        std::normal_distribution<double> gauss;
        for (auto& p : mode) p = {gauss(generator), gauss(generator)};
        blur(mode, 0.25 * sigma);  // smooth over a part of the probe, so that the light stays where it is
        for (Index i = 0; i < mode.size(); ++i) mode.data()[i] *= main.data()[i];
        const double scale = diversity * std::sqrt(power(main) / std::max(power(mode), 1e-300));
        for (auto& p : mode) p *= scale;
        break;
      }
    }
  }
  return modes;
}

device::Array<Complex<double>, 2> orthogonal_rotation(View<const Complex<double>, 2> overlap) {
  const HermitianEigen eigen = eigen_hermitian(overlap);
  const Index n = overlap.extent(0);
  device::Array<Complex<double>, 2> rotation({n, n});
  for (Index k = 0; k < n; ++k) {
    for (Index m = 0; m < n; ++m) rotation(k, m) = conj(eigen.vectors(m, k));
  }
  return rotation;
}

template <class T>
device::Array<Complex<double>, 2> orthogonal_rotation(View<const Complex<T>, 3> modes) {
  return orthogonal_rotation(overlap_matrix(modes).view());
}

template <class T>
device::Array<Complex<T>, 3> rotated(View<const Complex<double>, 2> rotation, View<const Complex<T>, 3> modes) {
  device::Array<Complex<T>, 3> result(modes.extents());
  const Index n = modes.extent(0), pixels = modes.extent(1) * modes.extent(2);
  for (Index k = 0; k < n; ++k) {
    for (Index m = 0; m < n; ++m) {
      const Complex<T> u{static_cast<T>(rotation(k, m).re), static_cast<T>(rotation(k, m).im)};
      for (Index i = 0; i < pixels; ++i) result.data()[k * pixels + i] += u * modes.data()[m * pixels + i];
    }
  }
  return result;
}

template <class T>
std::vector<double> occupancy(View<const Complex<T>, 3> modes) {
  std::vector<double> share;
  double total = 0;
  for (Index k = 0; k < modes.extent(0); ++k) {
    double sum = 0;
    for (const auto& p : modes[k]) sum += static_cast<double>(norm(p));
    share.push_back(sum);
    total += sum;
  }
  for (double& s : share) s = total > 0 ? s / total : 0;
  return share;
}

template device::Array<Complex<double>, 2> orthogonal_rotation(View<const Complex<float>, 3>);
template device::Array<Complex<double>, 2> orthogonal_rotation(View<const Complex<double>, 3>);
template device::Array<Complex<float>, 3> rotated(View<const Complex<double>, 2>, View<const Complex<float>, 3>);
template device::Array<Complex<double>, 3> rotated(View<const Complex<double>, 2>, View<const Complex<double>, 3>);
template std::vector<double> occupancy(View<const Complex<float>, 3>);
template std::vector<double> occupancy(View<const Complex<double>, 3>);

}  // namespace ptychoflow::ptycho
