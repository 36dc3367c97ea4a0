// What the writers of results for other programs share: where views lie, for who places them by their middle.
#pragma once

#include <array>
#include <vector>

#include "core/io/result_file.hpp"

namespace ptychoflow::io {

/// Mode, y, x, whatever the precision. @throws Error (other) if there are no modes
Extents<3> extents_of(const ModeStack& stack);

/// y, x of the middle of the object array, pixels reaching from their index to the next. In a result file a position is
/// that of a view's first pixel; the other programs take it for that of its middle, half a view on. Positions are
/// handed to them as they are, so the object's middle comes half a view nearer to its origin: middle of view =
/// (position − object_middle_m) / pixel + shape / 2.
std::array<double, 2> object_middle_m(const ResultFile& result);

/// y (axis 0) or x (axis 1) of all views; empty if the result has no positions.
std::vector<double> positions_m(const ResultFile& result, Index axis);

}  // namespace ptychoflow::io
