// PNG files to arrays.
#pragma once

#include <string>

#include "core/device/array.hpp"

namespace ptychoflow::image {

/// Grey values of a PNG file of any kind, [y][x], 0 black to 1 white in steps of 1/255; colour becomes its luminance,
/// transparent pixels white.
/// @throws Error (data) if the file is missing or is not a readable PNG, Error (resource) if memory is short
device::Array<float, 2> read_png_grey(const std::string& path);

}  // namespace ptychoflow::image
