#include "core/tomo/reprojection.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"
#include "core/tomo/slice_kernels.hpp"

namespace ptychoflow::tomo {

void reproject(View<const float, 3> projections, const ParallelBeam& beam, View<float, 3> reprojections,
               device::ThreadPool& threads) {
  expect(projections.extents() == reprojections.extents(), "reprojections have other extents than projections");
  const Index angles = projections.extent(0), ny = projections.extent(1), nx = projections.extent(2);
  // The slice reaches as far from the axis as the field does on its wider side.
  const double reach_px = std::max(beam.axis_px, static_cast<double>(nx - 1) - beam.axis_px);
  const Index side = std::clamp(static_cast<Index>(std::ceil(2 * reach_px)) + 1, nx, 2 * nx);
  const auto kernels = make_cpu_slice_kernels({beam, nx, side}, Filter::hann, threads);
  const Index block = kernels->most_slices();
  device::Array<float, 3> sinograms({block, angles, nx});
  Lanes rows = kernels->zero_rows(block), planes = kernels->zero_planes(block);
  for (Index first = 0; first < ny; first += block) {
    const Index count = std::min(block, ny - first);
    const View<float, 3> of_block(sinograms.data(), {count, angles, nx});
    for (Index y = 0; y < count; ++y) {
      for (Index a = 0; a < angles; ++a) std::copy_n(&projections(a, first + y, 0), nx, &of_block(y, a, 0));
    }
    kernels->put_filtered(of_block, 1, rows);
    kernels->back_project(Spread::linear, rows, planes);
    kernels->cut_above(0, planes);  // matter is negative
    kernels->project(planes, rows);
    kernels->take_rows(rows, of_block);
    for (Index y = 0; y < count; ++y) {
      for (Index a = 0; a < angles; ++a) std::copy_n(&of_block(y, a, 0), nx, &reprojections(a, first + y, 0));
    }
  }
}

}  // namespace ptychoflow::tomo
