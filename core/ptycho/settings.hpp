// How to iterate: the choices of a reconstruction, as plain data.
#pragma once

#include <limits>
#include <optional>

#include "core/base/view.hpp"

namespace ptychoflow::ptycho {

/// Which of (5) and (6) comes first in an iteration; the second uses the first's result.
enum class UpdateOrder { object_first, probe_first };

/// Bounds that the object keeps after each update.
struct ObjectBounds {
  double amplitude_min = 0;
  double amplitude_max = std::numeric_limits<double>::infinity();
  double phase_min_rad = -std::numeric_limits<double>::infinity();
  double phase_max_rad = std::numeric_limits<double>::infinity();

  bool any() const {
    return amplitude_min > 0 || amplitude_max < std::numeric_limits<double>::infinity() ||
           phase_min_rad > -std::numeric_limits<double>::infinity() ||
           phase_max_rad < std::numeric_limits<double>::infinity();
  }
};

/// How overlap sums are added up.
enum class Sums {
  floating_point,  ///< fastest; their last bits depend on ranks and threads
  whole_numbers,   ///< the same bits however views are shared out (fixed_point.hpp)
};

/// Parameters of the Difference Map.
struct Settings {
  Index iterations = 100;
  double beta = 0.8;  ///< β of eq. (3)
  UpdateOrder update_order = UpdateOrder::object_first;
  Index probe_start = 3;   ///< first iteration, from 1, that updates the probe
  Index object_start = 1;  ///< first iteration, from 1, that updates the object

  /// Bound b on a frame's mean squared deviation of √counts; none: the paper's full replacement, eq. (4).
  std::optional<double> modulus_bound = 0.25;

  ObjectBounds object_bounds;
  std::optional<double> probe_support_px;  ///< radius around the centre outside which the probe is zero

  Sums sums = Sums::floating_point;
  Index orthogonalise_every = 0;  ///< iterations between rotations of the probe modes to orthogonal ones; 0: never
  double average_from = 1;        ///< fraction of the iterations after which P and O are averaged; 1: no averaging
  double tolerance = 0;           ///< stop once all ε of probe and object are below it; 0: never
  bool gather_object = true;      ///< at the end, on the root; else it stays in rows on those that hold it
};

/// Floors of the overlap denominators, relative to their maximum, and the coverage from which a pixel counts as lit.
inline constexpr double object_floor = 1e-4;
inline constexpr double probe_floor = 1e-6;
inline constexpr double lit_coverage = 1e-2;

}  // namespace ptychoflow::ptycho
