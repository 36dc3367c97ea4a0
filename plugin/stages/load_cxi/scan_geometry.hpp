// What a file and the parameters say of a scan's geometry and positions, judged.
#pragma once

#include <array>
#include <vector>

#include "core/io/cxi.hpp"
#include "core/io/scan_checks.hpp"
#include "plugin/stages/load_cxi/parameters.hpp"

namespace ptychoflow::load_cxi {

/// Wavelength, distance and detector pixel: the parameters', else the file's. `frame`: y, x of what is cut.
/// @throws Error (data) if one is not there, not positive, or an energy that no X-ray has
io::ScanGeometry geometry_of(const io::CxiHeader& header, const Parameters& p, Extents<2> frame);

/// Positions y, x in metres of the `count` frames that are selected.
/// @throws Error (data) as io::check_positions does
std::vector<std::array<double, 2>> positions_of(const io::CxiHeader& header, const Parameters& p, Index count,
                                                const io::ScanGeometry& geometry);

}  // namespace ptychoflow::load_cxi
