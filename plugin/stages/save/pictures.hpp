// The pictures of a result.
#pragma once

#include <filesystem>
#include <vector>

#include "core/image/canvas.hpp"
#include "core/io/result_file.hpp"
#include "plugin/stages/save/targets.hpp"

namespace ptychoflow::save {

struct Picture {
  std::filesystem::path file;
  const char* caption;
  image::Canvas canvas;
};

/// All pictures; without a history there is none of the convergence.
std::vector<Picture> draw_pictures(const Targets& targets, const io::ResultFile& result);

/// @returns the files written
/// @throws Error (resource) if a file cannot be written
std::vector<std::filesystem::path> write_pictures(const std::vector<Picture>& pictures);

}  // namespace ptychoflow::save
