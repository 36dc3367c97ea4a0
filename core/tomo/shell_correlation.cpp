#include "core/tomo/shell_correlation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"
#include "core/tomo/soft_window.hpp"

namespace ptychoflow::tomo {
namespace {

using device::RealVolume;

/// Spatial frequency of Fourier coefficient `i` of `n`, of voxels `voxel_m` wide.
double frequency_per_m(Index i, Index n, double voxel_m) {
  return static_cast<double>(2 * i > n ? i - n : i) / (static_cast<double>(n) * voxel_m);
}

std::vector<double> frequencies_per_m(Index n, double voxel_m) {
  std::vector<double> f;
  for (Index i = 0; i < n; ++i) f.push_back(frequency_per_m(i, n, voxel_m));
  return f;
}

/// The shell of a frequency in units of one Fourier coefficient. The second shell takes what would be two.
std::size_t shell_of(double frequency) {
  const auto whole = static_cast<std::size_t>(std::lround(frequency));
  return whole < 2 ? whole : whole - 1;
}

struct ShellSum {
  double cross = 0, power_a = 0, power_b = 0, members = 0;

  ShellSum& operator+=(const ShellSum& other) {
    cross += other.cross;
    power_a += other.power_a;
    power_b += other.power_b;
    members += other.members;
    return *this;
  }
};

/// Adds up over shells, of which `width_per_m` and the number of `count` are given; each plane for itself and then the
/// planes in their order, so that rounding does not depend on threads.
std::vector<ShellSum> sums_over_shells(const RealVolume& a, const RealVolume& b, std::array<double, 3> voxel_size_m,
                                       double width_per_m, std::size_t count, device::ThreadPool& threads) {
  const auto& n = a.extents();
  const auto A = a.spectrum(), B = b.spectrum();
  std::array<std::vector<double>, 3> f;
  for (std::size_t axis = 0; axis < 3; ++axis) f[axis] = frequencies_per_m(n[axis], voxel_size_m[axis]);
  std::vector<std::vector<ShellSum>> planes(static_cast<std::size_t>(n[0]));
  threads.run_in_turn(n[0], [&](int, Index z) {
    std::vector<ShellSum> sums(count);
    for (Index y = 0; y < n[1]; ++y) {
      const double across = std::hypot(f[0][static_cast<std::size_t>(z)], f[1][static_cast<std::size_t>(y)]);
      for (Index x = 0; x < A.extent(2); ++x) {
        const double from_zero = std::hypot(across, f[2][static_cast<std::size_t>(x)]);
        const std::size_t shell = shell_of(from_zero / width_per_m);
        if (shell >= count) continue;
        const Complex<double> u{A(z, y, x).re, A(z, y, x).im}, v{B(z, y, x).re, B(z, y, x).im};
        const auto m = static_cast<double>(a.stands_for(x));
        sums[shell] += {m * (u * conj(v)).re, m * norm(u), m * norm(v), m};
      }
    }
    planes[static_cast<std::size_t>(z)] = std::move(sums);
  });
  std::vector<ShellSum> total(count);
  for (const auto& plane : planes) {
    for (std::size_t s = 0; s < count; ++s) total[s] += plane[s];
  }
  return total;
}

}  // namespace

ShellCorrelation shell_correlation(View<const float, 3> a, View<const float, 3> b, std::array<double, 3> voxel_size_m,
                                   double mask_radius, device::ThreadPool& threads) {
  expect(a.extents() == b.extents(), "shell_correlation was given volumes of different extents");
  const Extents<3> n = a.extents();
  constexpr Index smallest = 16;
  if (n[0] < 1 || std::min(n[1], n[2]) < smallest) {
    throw Error(ErrorCode::data, fmt::format("Fourier shell correlation needs slices of at least {0} × {0} voxels, and "
                                             "got {1} of {2} × {3}: reconstruct a larger part of the projections",
                                             smallest, n[0], n[1], n[2]));
  }
  const SoftWindow window(n, mask_radius);
  const device::RealFft3d fft(n);
  RealVolume A = window.apply(a, threads), B = window.apply(b, threads);
  fft.forward(A, threads);
  fft.forward(B, threads);

  const double width_per_m = 1 / std::min(static_cast<double>(n[1]) * voxel_size_m[1],  //
                                          static_cast<double>(n[2]) * voxel_size_m[2]);
  const double coarsest_m = *std::max_element(voxel_size_m.begin(), voxel_size_m.end());
  const std::size_t count = shell_of(std::floor(0.5 / coarsest_m / width_per_m * (1 + 1e-12))) + 1;
  const auto sums = sums_over_shells(A, B, voxel_size_m, width_per_m, count, threads);

  ShellCorrelation result;
  result.curve.finest_half_period_m = coarsest_m;
  const double share = window.independent_share();
  double contrast = 0;
  for (std::size_t s = 0; s < count; ++s) {
    const double scale = std::sqrt(sums[s].power_a * sums[s].power_b);
    contrast += scale;
    result.curve.frequency_per_m.push_back(static_cast<double>(s == 0 ? 0 : s + 1) * width_per_m);
    result.curve.correlation.push_back(scale > 0 ? sums[s].cross / scale : 0);
    result.curve.independent.push_back(sums[s].members * share);
    result.voxels.push_back(sums[s].members);
  }
  if (!(contrast > 0)) {
    throw Error(ErrorCode::data,
                "Fourier shell correlation of a volume without contrast: nothing was reconstructed, or the mask's "
                "radius leaves nothing of it");
  }
  return result;
}

std::vector<double> thresholds_against_truth(std::vector<double> thresholds) {
  for (double& f : thresholds) f = std::sqrt(2 * f / (1 + f));
  return thresholds;
}

}  // namespace ptychoflow::tomo
