// Where the beam stands for each frame of a simulated scan.
#pragma once

#include <cstdint>
#include <vector>

#include "core/ptycho/geometry.hpp"

namespace ptychoflow::ptycho {

enum class ScanPattern {
  raster,           ///< rows and columns, every second row backwards; its regularity shows in reconstructions
  jittered_raster,  ///< the same with each point moved at random
  fermat,           ///< Fermat spiral: even density, no two directions alike
  fly,              ///< jittered raster whose exposures last while the stage moves on along x
};

/// Jitter of a raster's outermost points.
enum class Rim {
  jittered,  ///< as of all others
  straight,  ///< along the rim alone, so that scans of different seeds cover the same field
};

struct Scan {
  ScanPattern pattern = ScanPattern::jittered_raster;
  Index frame_count = 0;
  double step_m = 0;       ///< between neighbours; a Fermat spiral has one point in step² on average
  double jitter = 0;       ///< largest move of a point along y and x, in steps; jittered_raster and fly
  std::uint64_t seed = 0;  ///< of the jitter
  Rim rim = Rim::jittered;
};

/// y, x of every frame in scan order, metres, around 0. Rasters are as square as can be; the last row may be short.
/// @throws Error (usage) unless frame_count, step_m and jitter are in range
std::vector<Yx<double>> scan_positions_m(const Scan& scan);

}  // namespace ptychoflow::ptycho
