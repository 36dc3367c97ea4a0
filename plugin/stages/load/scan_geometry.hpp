// What a file and the parameters say of a scan's geometry and positions, judged.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "core/io/position_table.hpp"
#include "core/io/scan.hpp"
#include "core/io/scan_checks.hpp"
#include "plugin/stages/load/parameters.hpp"

namespace ptychoflow::load {

/// Wavelength, distance and detector pixel: the parameters', else the file's. `frame`: y, x of what is cut.
/// @throws Error (data) if one is not there, not positive, or an energy that no X-ray has
io::ScanGeometry geometry_of(const io::ScanHeader& header, const Parameters& p, Extents<2> frame);

/// Positions y, x in metres of the `count` frames that are selected.
/// @param table  in place of the file's
/// @throws Error (data) as io::check_positions does, or if there are none, or not one for each frame of the file
std::vector<std::array<double, 2>> positions_of(const io::ScanHeader& header,
                                                const std::optional<io::PositionTable>& table, const Parameters& p,
                                                Index count, const io::ScanGeometry& geometry);

}  // namespace ptychoflow::load
