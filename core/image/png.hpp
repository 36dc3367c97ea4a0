// Pictures to PNG files.
#pragma once

#include <filesystem>
#include <vector>

#include "core/image/canvas.hpp"

namespace ptychoflow::image {

/// Writes an 8-bit RGB PNG to a temporary name beside `path`, then renames it: `path` is either whole or untouched.
/// @throws Error (resource) if the file cannot be written (no folder, no right, disk full); nothing stays behind
void write_png(const std::filesystem::path& path, const Canvas& picture);

/// An 8-bit RGB PNG as it would stand in a file.
std::vector<unsigned char> png_bytes(const Canvas& picture);

}  // namespace ptychoflow::image
