// Positions that come in a file of their own.
#pragma once

#include <array>
#include <string>
#include <vector>

namespace ptychoflow::io {

struct PositionTable {
  std::string where;                         ///< for messages
  std::vector<std::array<double, 2>> x_y_m;  ///< one a frame
};

/// A text file with x and y on each line, and comments after #; or, with `dataset`, an HDF5 dataset (N, 2 or 3), or the
/// other way round.
/// @throws Error (data) if it is missing, empty or has another line or shape
PositionTable read_positions(const std::string& file, const std::string& dataset);

}  // namespace ptychoflow::io
