#include "core/io/result_export.hpp"

#include "core/base/error.hpp"

namespace ptychoflow::io {

Extents<3> extents_of(const ModeStack& stack) {
  return std::visit(
      [](auto modes) {
        expect(!modes.empty(), "a result without object or probe");
        return modes.extents();
      },
      stack);
}

std::array<double, 2> object_middle_m(const ResultFile& result) {
  const auto object = extents_of(result.object), probe = extents_of(result.probe);
  std::array<double, 2> middle{};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const double half_px = static_cast<double>(object[axis + 1] - probe[axis + 1]) / 2;
    middle[axis] = result.object_origin_m[axis] + half_px * result.object_pixel_size_m[axis];
  }
  return middle;
}

std::vector<double> positions_m(const ResultFile& result, Index axis) {
  std::vector<double> positions;
  for (Index j = 0; j < result.view_position_m.extent(0); ++j) positions.push_back(result.view_position_m(j, axis));
  return positions;
}

}  // namespace ptychoflow::io
