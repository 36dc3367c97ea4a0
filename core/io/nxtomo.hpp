// NeXus NXtomo files: projections as HTTomo, Savu and other NeXus readers take them.
#pragma once

#include <filesystem>

#include "core/io/atomic_file.hpp"
#include "core/io/projection_series.hpp"

namespace ptychoflow::io {

/// Writes `/entry/instrument/detector/{data, image_key, x_pixel_size, y_pixel_size}`, `/entry/sample/rotation_angle` in
/// degrees and links to them in `/entry/data`, as the application definition NXtomo (manual.nexusformat.org) lays it
/// down. All frames are projections (image_key 0): phase needs no flat and no dark field. Absorption, if there is one,
/// is `/entry/absorption/data`; the rotation axis `/entry/process/rotation_axis`. The file appears once it is whole.
/// @throws what AtomicFile and OutputFile throw; Error (other) if shapes do not belong together
void write_nxtomo(const std::filesystem::path& file, const ProjectionSeries& series, Overwrite overwrite);

}  // namespace ptychoflow::io
