// Aligning a tomographic series by what a turn of the sample does not change: the mass in each of its rows, and that
// its centre of mass moves on a circle.
#pragma once

#include <vector>

#include "core/base/view.hpp"

namespace ptychoflow::tomo {

/// Rows [first, last) of an aligned series that come from the data in every projection.
struct Rows {
  Index first = 0;
  Index last = 0;
  Index size() const { return last - first; }
};

/// @param shift_y_px by how much each projection is moved down
/// @param ny rows of a projection; half a pixel beyond its edge still counts as in it
Rows covered_rows(const std::vector<double>& shift_y_px, Index ny);

/// By how much to move each projection down for all to have the same mass in a row, to fractions of a pixel: slopes of
/// the row sums, in which a ramp is a constant, are correlated with their running mean. The mean of all shifts is 0.
/// @param phase [angle][y][x], rad
std::vector<double> vertical_shifts(View<const float, 3> phase, double max_px);

/// x of the centre of mass of each projection, in those of its rows that come to lie in `rows` after being moved by
/// `shift_y_px`. The left and the right edge of the field are taken for air, and the line through them for a ramp. NaN
/// where the mass is less than a quarter of its median over all projections, as of a projection that has failed.
/// @param phase [angle][y][x], rad; matter is negative
std::vector<double> centres_of_mass(View<const float, 3> phase, const std::vector<double>& shift_y_px, Rows rows);

}  // namespace ptychoflow::tomo
