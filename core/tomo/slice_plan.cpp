#include "core/tomo/slice_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.hpp"

namespace ptychoflow::tomo {
namespace {

constexpr std::size_t most_groups = 16;

}  // namespace

std::size_t bytes_of_group(const SliceGeometry& geometry, Filter filter) {
  const auto floats = [](const Extents<4>& e) { return static_cast<std::size_t>(e[1] * e[2] * e[3]); };
  // In and out of the card slices lie one after the other.
  const Index packed = slice_lanes * std::max(geometry.angles() * geometry.width, geometry.side * geometry.side);
  // Half as many complex rows as there are slices, and as much again for their transforms.
  const Index filtered = 2 * slice_lanes * geometry.angles() * RowFilter(filter, geometry.width).work_size();
  const std::size_t iterated = 3 * (floats(planes_of(geometry, 1)) + floats(rows_of(geometry, 1)));
  return sizeof(float) * (iterated + static_cast<std::size_t>(packed + filtered));
}

Index slices_that_fit(const SliceGeometry& geometry, Filter filter, std::size_t free_bytes) {
  const std::size_t of_group = bytes_of_group(geometry, filter), groups = std::min(free_bytes / of_group, most_groups);
  if (groups == 0) {
    throw Error(ErrorCode::resource,
                fmt::format("{} slices of {} × {} pixels from {} projections take {:.3g} GB of the GPU's memory, of "
                            "which {:.3g} GB are free for this rank: crop or bin the projections, or run with "
                            "--backend cpu",
                            slice_lanes, geometry.side, geometry.side, geometry.angles(),
                            1e-9 * static_cast<double>(of_group), 1e-9 * static_cast<double>(free_bytes)));
  }
  return static_cast<Index>(groups) * slice_lanes;
}

}  // namespace ptychoflow::tomo
