#include "core/tomo/reprojection.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/device/array.hpp"
#include "core/device/fft.hpp"

namespace ptychoflow::tomo {
namespace {

using Slice = device::Array<float, 2>;

/// Half the way from the neighbour on one side to the one on the other, of angles modulo π; not more than three times
/// the mean, so that the borders of a missing wedge do not count for all of it.
std::vector<double> angular_weights(const std::vector<double>& angle_rad) {
  const std::size_t n = angle_rad.size();
  std::vector<double> folded;
  for (const double a : angle_rad) folded.push_back(a - pi * std::floor(a / pi));
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return folded[a] < folded[b]; });
  std::vector<double> weights(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double before = i == 0 ? folded[order[n - 1]] - pi : folded[order[i - 1]];
    const double after = i + 1 == n ? folded[order[0]] + pi : folded[order[i + 1]];
    weights[order[i]] = std::min(0.5 * (after - before), 3 * pi / static_cast<double>(n));
  }
  return weights;
}

/// Filters the rows of a sinogram in place.
class RampFilter {
 public:
  explicit RampFilter(Index nx) : fft_(1, 2 * nx) {
    const auto n = static_cast<double>(2 * nx);
    for (Index i = 0; i < 2 * nx; ++i) {
      const double f = static_cast<double>(std::min(i, 2 * nx - i)) / n;
      factors_.push_back(f * (0.5 + 0.5 * std::cos(2 * pi * f)) / n);
    }
  }

  void apply(View<float, 1> row, double weight) const {
    device::Array<Complex<double>, 1> line({fft_.nx()});
    for (Index x = 0; x < row.extent(0); ++x) line(x).re = row[x];
    fft_.forward(line.data());
    for (Index i = 0; i < fft_.nx(); ++i) line(i) *= weight * factors_[static_cast<std::size_t>(i)];
    fft_.inverse(line.data());
    for (Index x = 0; x < row.extent(0); ++x) row[x] = static_cast<float>(line(x).re);
  }

 private:
  device::Fft2d<double> fft_;
  std::vector<double> factors_;
};

}  // namespace

void reproject(View<const float, 3> projections, const ParallelBeam& beam, View<float, 3> reprojections,
               device::ThreadPool& threads) {
  expect(projections.extents() == reprojections.extents(), "reprojections have other extents than projections");
  const Index angles = projections.extent(0), ny = projections.extent(1), nx = projections.extent(2);
  const RampFilter filter(nx);
  const auto weights = angular_weights(beam.angle_rad);
  // The slice reaches as far from the axis as the field does on its wider side.
  const double reach_px = std::max(beam.axis_px, static_cast<double>(nx - 1) - beam.axis_px);
  const Index side = std::clamp(static_cast<Index>(std::ceil(2 * reach_px)) + 1, nx, 2 * nx);
  threads.run_in_turn(ny, [&](int, Index y) {
    Slice sinogram = Slice::uninitialized({angles, nx}), slice = Slice::uninitialized({side, side});
    for (Index a = 0; a < angles; ++a) {
      std::copy_n(&projections(a, y, 0), nx, &sinogram(a, 0));
      filter.apply(sinogram[a], weights[static_cast<std::size_t>(a)]);
    }
    back_project_adjoint(sinogram, beam, slice);
    forward_project(slice, beam, sinogram);
    for (Index a = 0; a < angles; ++a) std::copy_n(&sinogram(a, 0), nx, &reprojections(a, y, 0));
  });
}

}  // namespace ptychoflow::tomo
