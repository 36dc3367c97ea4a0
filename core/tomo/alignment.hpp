// Finding by how much each projection of a tomographic series has to be moved, and where the rotation axis is.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "core/device/array.hpp"
#include "core/device/thread_pool.hpp"
#include "core/tomo/profile_alignment.hpp"
#include "core/tomo/shift_image.hpp"

namespace ptychoflow::tomo {

enum class AlignmentMethod {
  none,     ///< nothing is moved; the axis alone is looked for
  profile,  ///< by the mass in each row, and by the path of the centre of mass
  refine,   ///< from there on by comparing each projection with the reconstruction's
};

struct AlignmentSettings {
  AlignmentMethod method = AlignmentMethod::refine;
  int max_iterations = 30;
  double max_shift_px = 50;
  std::optional<double> axis_px;  ///< where it is known
  bool vertical = true;           ///< projections may move along y
  bool horizontal = true;         ///< and along x
};

struct Alignment {
  std::vector<Shift> shift;  ///< a projection
  double axis_px = 0;
  int iterations = 0;             ///< of refinement
  double last_step_px = 0;        ///< the largest in the last iteration
  std::vector<Index> at_limit{};  ///< projections that wanted to move farther than max_shift_px
};

/// An iteration of refinement that ends there, in pixels the same size as the projections'.
inline constexpr double settled_px = 0.02;

/// Called after each iteration of refinement with the largest step that a projection made; false: stop here.
using GoOn = std::function<bool(int iteration, double step_px)>;

/// Shifts are such that reconstruction is consistent. What cannot be known stays: a constant along y (the mean of the
/// shifts is 0), and a·cos θ + b·sin θ along x, which moves the sample. Refinement (Gürsoy et al., Sci. Rep. 7, 11818
/// (2017)) reconstructs, projects what is not negative, and moves each projection onto its reprojection until all moves
/// are below `settled_px`. It works on pixels binned so that the field is at most 256 wide.
/// @param phase [angle][y][x], rad; matter is negative
/// @throws Error (data) if there is nothing to see, or shifts leave fewer than 16 rows that all projections have
Alignment find_alignment(
    View<const float, 3> phase, const std::vector<double>& angle_rad, const AlignmentSettings& settings,
    device::ThreadPool& threads, const GoOn& go_on = [](int, double) { return true; });

/// The projections moved, by interpolating once, cut to `rows`.
/// @param projections [angle][y][x]
device::Array<float, 3> moved(View<const float, 3> projections, const std::vector<Shift>& by, Rows rows,
                              device::ThreadPool& threads);

}  // namespace ptychoflow::tomo
