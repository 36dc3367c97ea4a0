// What a user might do better.
#pragma once

#include <string>
#include <vector>

#include "core/io/result_file.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::save {

/// In plain words, each with what to try; empty if nothing looks wrong.
/// @param metadata  of the packet that the result came with
std::vector<std::string> advice(const io::ResultFile& result, const stage::Json& metadata);

}  // namespace ptychoflow::save
