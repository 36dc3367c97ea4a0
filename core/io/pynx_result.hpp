// A result as PyNX saves its own (CXI, https://pynx.esrf.fr): to be looked at and to start from.
#pragma once

#include <filesystem>

#include "core/io/result_file.hpp"

namespace ptychoflow::io {

/// Writes what PyNX's Ptycho.load_obj_probe_cxi takes: `/entry_1/{object, probe}/data` (mode, y, x) with x_pixel_size
/// and y_pixel_size, which are links to result_1 and result_2; `/entry_1/positions/data` (4, view): x, y and how far
/// each was moved, 0; `instrument_1/{source_1/energy, detector_1}`. PyNX's y points up and its files begin with the
/// upper row: rows come in reverse, and load_obj_probe_cxi turns them back. row_coords and col_coords (m) say where
/// rows and columns are; PyNX that goes on with the file takes the mean position for the object's middle instead.
/// The energy is what PyNX makes of the wavelength, by its own rounded constants. What is not known is left out.
/// @throws what AtomicFile and OutputFile throw; Error (other) if there is no object or no probe
void write_pynx(const std::filesystem::path& file, const ResultFile& result, Overwrite overwrite);

}  // namespace ptychoflow::io
