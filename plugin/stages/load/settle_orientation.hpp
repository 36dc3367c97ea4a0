// `positions: auto`: the way round that explains the frames.
#pragma once

#include <array>
#include <vector>

#include "core/device/thread_pool.hpp"
#include "core/io/scan_checks.hpp"
#include "core/ptycho/orientation.hpp"
#include "plugin/stages/load/frame_reader.hpp"
#include "plugin/stages/load/parameters.hpp"

namespace ptychoflow::load {

/// Tries the eight orientations on the views in the middle of the scan.
/// @param positions  y, x of the selected frames as they are stored
/// @return lowest R first; the first is clearly best
/// @throws Error (data) if none is: with all R, and what to do
std::vector<ptycho::OrientationTrial> settle_orientation(const io::Scan& scan, FrameReader& frames,
                                                         const io::ScanGeometry& geometry,
                                                         const std::vector<std::array<double, 2>>& positions,
                                                         const Parameters& p, device::ThreadPool& threads);

}  // namespace ptychoflow::load
