#include "core/tomo/iterative.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/base/error.hpp"

namespace ptychoflow::tomo {
namespace {

void invert(View<float, 2> sums) {
  // A ray or pixel that is met by less than this is as good as not met; its reciprocal would only magnify noise.
  for (float& v : sums) v = v > 1e-3F ? 1 / v : 0;
}

double square(View<const float, 2> a) {
  double sum = 0;
  for (const float v : a) sum += static_cast<double>(v) * static_cast<double>(v);
  return sum;
}

/// to += factor · from
void add(double factor, View<const float, 2> from, View<float, 2> to) {
  const auto f = static_cast<float>(factor);
  for (Index i = 0; i < to.size(); ++i) to.data()[i] += f * from.data()[i];
}

}  // namespace

IterativeReconstruction::IterativeReconstruction(ParallelBeam beam, Index width, Index side)
    : beam_(std::move(beam)), of_row_({static_cast<Index>(beam_.angle_rad.size()), width}), of_column_({side, side}) {
  Plane slice({side, side}), sinogram(of_row_.extents());
  std::fill(slice.begin(), slice.end(), 1.0F);
  std::fill(sinogram.begin(), sinogram.end(), 1.0F);
  forward_project(slice, beam_, of_row_);
  back_project_adjoint(sinogram, beam_, of_column_);
  invert(of_row_);
  invert(of_column_);
}

void IterativeReconstruction::sirt(View<const float, 2> sinogram, int iterations, Values values,
                                   View<float, 2> slice) const {
  expect(sinogram.extents() == of_row_.extents() && slice.extents() == of_column_.extents(),
         "sinogram and slice as the reconstruction was made for");
  const float least = values == Values::not_negative ? 0.0F : -std::numeric_limits<float>::infinity();
  Plane rest(of_row_.extents()), step(of_column_.extents());
  std::fill(slice.begin(), slice.end(), 0.0F);
  for (int k = 0; k < iterations; ++k) {
    forward_project(slice, beam_, rest);
    for (Index i = 0; i < rest.size(); ++i) rest.data()[i] = of_row_.data()[i] * (sinogram.data()[i] - rest.data()[i]);
    back_project_adjoint(rest, beam_, step);
    for (Index i = 0; i < step.size(); ++i) {
      float& v = slice.data()[i];
      v = std::max(least, v + of_column_.data()[i] * step.data()[i]);
    }
  }
}

void IterativeReconstruction::cgls(View<const float, 2> sinogram, int iterations, View<float, 2> slice) const {
  expect(sinogram.extents() == of_row_.extents() && slice.extents() == of_column_.extents(),
         "sinogram and slice as the reconstruction was made for");
  Plane rest = Plane::copy_of(sinogram), projected(of_row_.extents());
  Plane gradient(of_column_.extents());
  std::fill(slice.begin(), slice.end(), 0.0F);
  back_project_adjoint(rest, beam_, gradient);
  Plane direction = Plane::copy_of(gradient);
  double gamma = square(gradient);
  const double enough = 1e-12 * gamma;  // single precision resolves no better
  for (int k = 0; k < iterations && gamma > enough; ++k) {
    forward_project(direction, beam_, projected);
    const double alpha = gamma / square(projected);
    add(alpha, direction, slice);
    add(-alpha, projected, rest);
    back_project_adjoint(rest, beam_, gradient);
    const double before = std::exchange(gamma, square(gradient));
    const auto beta = static_cast<float>(gamma / before);
    for (Index i = 0; i < direction.size(); ++i) direction.data()[i] = gradient.data()[i] + beta * direction.data()[i];
  }
}

}  // namespace ptychoflow::tomo
