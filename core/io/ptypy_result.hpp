// A result as PtyPy saves a run (`.ptyr`, https://ptycho.github.io/ptypy): HDF5 as its io.h5read takes it.
#pragma once

#include <filesystem>

#include "core/io/result_file.hpp"

namespace ptychoflow::io {

/// Writes a run of the kind `minimal`: `content/{obj, probe}/S00G00`, storages with data (layer, y, x), layers being
/// modes, `_psize`, `_center` and `_origin`, and `content/positions/S00G00` (view, 2) in m; pairs are y, x. This is
/// what load_from_ptyr and the model `recon` of a probe or an object read; parameters of scans and engines are not in
/// it. PtyPy cuts a view out around the pixel at (position − _origin) / _psize, with half of the view before it,
/// rounded down: `_origin` is half a view before the object's. Each dataset and group says in its attribute `type` what
/// h5read makes of it.
/// @throws what AtomicFile and OutputFile throw; Error (other) if there is no object or no probe
void write_ptypy(const std::filesystem::path& file, const ResultFile& result, Overwrite overwrite);

}  // namespace ptychoflow::io
