#include "core/ptycho/quality.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.hpp"
#include "core/ptycho/hermitian.hpp"

namespace ptychoflow {
namespace {

using Offsets = View<const std::int32_t, 2>;

/// Whole pixels by which truth offsets exceed the object's. Rounding positions to pixels may differ by one between two
/// programs; more than that is another geometry.
Extents<2> common_displacement(Offsets object, Offsets truth) {
  if (object.extents() != truth.extents() || object.extent(0) == 0) {
    throw Error(ErrorCode::data, fmt::format("the result has {} views and the truth {}: they are not of the same scan",
                                             object.extent(0), truth.extent(0)));
  }
  Extents<2> displacement{};
  for (const Index axis : {0, 1}) {
    double mean = 0;
    for (Index j = 0; j < truth.extent(0); ++j) mean += truth(j, axis) - object(j, axis);
    mean = std::round(mean / static_cast<double>(truth.extent(0)));
    for (Index j = 0; j < truth.extent(0); ++j) {
      const double off = truth(j, axis) - object(j, axis) - mean;
      if (std::abs(off) > 1) {
        throw Error(
            ErrorCode::data,
            fmt::format("the windows of the result and of the truth do not match: view {} is {:+.0f} px off in {}. "
                        "Positions have a wrong sign, axis order or scale; set `positions` of the loader",
                        j, off, axis == 0 ? "y" : "x"));
      }
    }
    displacement[static_cast<std::size_t>(axis)] = static_cast<Index>(mean);
  }
  return displacement;
}

void check_inside(const char* what, ImageView image, const Area& area) {
  for (const std::size_t axis : {0, 1}) {
    if (area.first[axis] < 0 || area.first[axis] + area.size[axis] > image.extent(axis)) {
      throw Error(ErrorCode::data, fmt::format("the scanned area, pixels {}…{} in {}, is not within the {} of {}×{} px",
                                               area.first[axis], area.first[axis] + area.size[axis],
                                               axis == 0 ? "y" : "x", what, image.extent(0), image.extent(1)));
    }
  }
}

}  // namespace

template <class T>
std::vector<double> mode_powers(View<const Complex<T>, 3> modes) {
  const auto overlap = overlap_matrix(modes);
  double total = 0;
  for (Index k = 0; k < overlap.extent(0); ++k) total += overlap(k, k).re;
  if (!(total > 0) || !std::isfinite(total)) {
    throw Error(ErrorCode::data,
                fmt::format("the total power of the modes is {}: the reconstruction has failed", total));
  }
  auto powers = eigen_hermitian(overlap).values;
  for (double& p : powers) p = std::max(p / total, 0.0);  // rounding may leave an empty mode just below nothing
  return powers;
}

template std::vector<double> mode_powers(View<const Complex<float>, 3>);
template std::vector<double> mode_powers(View<const Complex<double>, 3>);

Area scanned_area(View<const std::int32_t, 2> offset_px, Extents<2> frame) {
  expect(offset_px.extent(0) > 0 && offset_px.extent(1) == 2, "scanned_area was given no offsets");
  Area area;
  for (const std::size_t axis : {0, 1}) {
    Index first = offset_px(0, axis), last = first;
    for (Index j = 0; j < offset_px.extent(0); ++j) {
      first = std::min<Index>(first, offset_px(j, axis));
      last = std::max<Index>(last, offset_px(j, axis));
    }
    const Index margin = frame[axis] * 12 / 100;
    area.first[axis] = first + frame[axis] / 2 + margin;
    area.size[axis] = last - first - 2 * margin;
    if (area.size[axis] < 2) {
      throw Error(
          ErrorCode::data,
          fmt::format("the scan moves by {} px in {}, too little to judge the object: more than {} px are needed",
                      last - first, axis == 0 ? "y" : "x", 2 * margin + 1));
    }
  }
  return area;
}

TruthComparison compare_with_truth(ImageView object, Offsets object_offset_px, ImageView truth, Offsets truth_offset_px,
                                   Extents<2> frame) {
  const Extents<2> displacement = common_displacement(object_offset_px, truth_offset_px);
  const Area in_truth = scanned_area(truth_offset_px, frame);
  Area in_object = in_truth;
  for (const std::size_t axis : {0, 1}) in_object.first[axis] -= displacement[axis];
  check_inside("truth", truth, in_truth);
  check_inside("object", object, in_object);

  const Image t = cut(truth, in_truth);
  const Aligned o = align(object, in_object, t);
  double difference = 0, power = 0, phase = 0, phase2 = 0;
  for (Index i = 0; i < t.size(); ++i) {
    const Complex<double> a = o.image.data()[i], b = t.data()[i];
    difference += norm(a - b);
    power += norm(b);
    const double angle = arg(a * conj(b));
    phase += angle;
    phase2 += angle * angle;
  }
  const auto n = static_cast<double>(t.size());
  return {std::sqrt(difference / power), std::sqrt(std::max(phase2 / n - phase / n * (phase / n), 0.0)), o.shift};
}

}  // namespace ptychoflow
