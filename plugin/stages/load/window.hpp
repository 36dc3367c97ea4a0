// Which part of the detector is taken.
#pragma once

#include <optional>

#include "core/io/detector_window.hpp"
#include "core/io/scan.hpp"
#include "plugin/stages/load/parameters.hpp"

namespace ptychoflow::load {

/// The window that `frame_size` and `center` ask for, else the whole frame.
/// @param count  frames that are selected
/// @param found  the beam's centre y, x, if it had to be found: the same on every rank
/// @throws Error (usage) if the window does not fit, (data) if all frames looked at are dark
io::DetectorWindow window_for(const io::Scan& scan, const Parameters& p, Index count, std::optional<Extents<2>>& found);

}  // namespace ptychoflow::load
