// A result as a product of ptychodus (https://github.com/AdvancedPhotonSource/ptychodus), HDF5.
#pragma once

#include <filesystem>

#include "core/io/result_file.hpp"

namespace ptychoflow::io {

/// Writes what ptychodus' product reader takes, under all names where versions 1.0 to 1.7 differ: `object` (layer, y,
/// x) with its middle and pixel, `probe` (1, mode, y, x), `probe_position_{indexes, x_m, y_m}`, `loss_{epochs,
/// values}`, the R of each iteration; at the root name, distance, energy in eV, photons in the probe and rotation. The
/// middle of view j is at (x_m[j] − center_x_m) / pixel_width_m + width / 2. Layers there follow each other along the
/// beam and multiply, modes of an object do not: only the first mode is written. What is not known is 0.
/// @throws what AtomicFile and OutputFile throw; Error (data) if the result lacks positions, distance or energy: no
///         product is read without; Error (other) if there is no object or no probe
void write_ptychodus(const std::filesystem::path& file, const ResultFile& result, Overwrite overwrite);

}  // namespace ptychoflow::io
