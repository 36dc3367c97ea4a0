// What a scan's file holds, and what looks wrong with it, before anything is reconstructed.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/io/scan.hpp"

namespace ptychoflow::io {

struct ScanSummary {
  std::optional<std::array<double, 2>> object_pixel_m;  ///< y, x; none: something it follows from is not there

  // Of positions; 0 where there are none.
  std::array<double, 2> range_m{};  ///< y, x
  double step_m = 0;                ///< from a view to the nearest other one, the median

  /// Of the starting probe, if there is one: the disc whose intensity is spread as far from its middle.
  std::optional<double> probe_diameter_m;
  std::optional<double> overlap;  ///< of neighbours: 1 − step / diameter

  // Of up to 64 frames spread over the scan, at measured pixels.
  Index frames_looked_at = 0;
  double masked_share = 0;
  double mean_count = 0, largest_count = 0;
  std::array<double, 2> centre_px{};  ///< y, x, centre of mass
  bool off_centre = false;            ///< it is far from the frame's middle

  std::vector<std::string> doubts;  ///< what looks wrong, each with what may cure it
};

/// @throws Error (data) as reading does
ScanSummary summary_of(const Scan& scan);

}  // namespace ptychoflow::io
