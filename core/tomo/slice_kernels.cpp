#include "core/tomo/slice_kernels.hpp"

#include <algorithm>
#include <utility>

#include "core/base/error.hpp"

namespace ptychoflow::tomo {
namespace {

using Plane = device::Array<float, 2>;

/// A group of ones, but for the zeros around rows or planes.
Lanes ones(Extents<4> extents, bool zeros_above, device::Memory* memory) {
  Lanes host(extents);
  const Index first = zeros_above ? zeros_before : 0;
  const Index last = zeros_above ? extents[1] - (zeros_around - zeros_before) : extents[1];
  for (Index y = first; y < last; ++y) {
    for (Index x = zeros_before; x < extents[2] - (zeros_around - zeros_before); ++x)
      std::fill_n(&host(0, y, x, 0), slice_lanes, 1.0F);
  }
  if (!memory) return host;
  Lanes there = Lanes::uninitialized(extents, memory);
  memory->copy_in(there.data(), host.data(), host.bytes());
  return there;
}

/// Of the first slice.
Plane reciprocal(const Lanes& sums) {
  Lanes host = Lanes::uninitialized(sums.extents());
  if (sums.memory()) {
    sums.memory()->copy_out(host.data(), sums.data(), sums.bytes());
  } else {
    std::copy(sums.begin(), sums.end(), host.begin());
  }
  auto inverse = Plane::uninitialized({sums.extent(1), sums.extent(2)});
  for (Index i = 0; i < inverse.size(); ++i) {
    // A ray or pixel that is met by less than this is as good as not met; its reciprocal would only magnify noise.
    const float sum = host.data()[i * slice_lanes];
    inverse.data()[i] = sum > 1e-3F ? 1 / sum : 0;
  }
  return inverse;
}

}  // namespace

SliceKernels::SliceKernels(SliceGeometry geometry) : geometry_(std::move(geometry)) {
  if (geometry_.beam.angle_rad.empty() || geometry_.width < 1 || geometry_.side < 1)
    throw Error(ErrorCode::data, "tomography: no projections, or projections without pixels");
}

Plane SliceKernels::reciprocal_of_rows() {
  Lanes rows = zero_rows(1);
  project(ones(planes_of(geometry_, 1), true, memory()), rows);
  return reciprocal(rows);
}

Plane SliceKernels::reciprocal_of_planes() {
  Lanes planes = zero_planes(1);
  back_project(Spread::adjoint, ones(rows_of(geometry_, 1), false, memory()), planes);
  return reciprocal(planes);
}

}  // namespace ptychoflow::tomo
