#include "core/tomo/reprojection.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"
#include "core/device/array.hpp"
#include "core/tomo/filtered_back_projection.hpp"

namespace ptychoflow::tomo {

void reproject(View<const float, 3> projections, const ParallelBeam& beam, View<float, 3> reprojections,
               device::ThreadPool& threads) {
  expect(projections.extents() == reprojections.extents(), "reprojections have other extents than projections");
  const Index angles = projections.extent(0), ny = projections.extent(1), nx = projections.extent(2);
  // The slice reaches as far from the axis as the field does on its wider side.
  const double reach_px = std::max(beam.axis_px, static_cast<double>(nx - 1) - beam.axis_px);
  const Index side = std::clamp(static_cast<Index>(std::ceil(2 * reach_px)) + 1, nx, 2 * nx);
  const FilteredBackProjection reconstruction(beam, nx, side, Filter::hann);
  constexpr Index block = 16;  // slices that are reconstructed side by side
  device::Array<float, 3> sinograms({block, angles, nx}), slices({block, side, side});
  for (Index first = 0; first < ny; first += block) {
    const Index count = std::min(block, ny - first);
    const View<float, 3> rows(sinograms.data(), {count, angles, nx});
    for (Index y = 0; y < count; ++y) {
      for (Index a = 0; a < angles; ++a) std::copy_n(&projections(a, first + y, 0), nx, &rows(y, a, 0));
    }
    reconstruction.reconstruct(rows, 1, {slices.data(), {count, side, side}}, threads);
    threads.run_in_turn(count, [&](int, Index y) {
      for (float& v : slices[y]) v = std::min(v, 0.0F);  // matter is negative
      forward_project(slices[y], beam, rows[y]);
      for (Index a = 0; a < angles; ++a) std::copy_n(&rows(y, a, 0), nx, &reprojections(a, first + y, 0));
    });
  }
}

}  // namespace ptychoflow::tomo
