// From a packet of tensors to the result file and its pictures.
#pragma once

#include <string>

#include "core/io/result_file.hpp"
#include "plugin/api/stage.hpp"
#include "plugin/stages/save/targets.hpp"

namespace ptychoflow::save {

/// What the packet holds, as views of it: `packet` must outlive the result. Tensors and metadata that are optional in
/// the stream (docs/STREAM.md) stay empty.
/// @throws Error (other) if a tensor has another type or rank than the stream's description says
io::ResultFile result_of(const stage::Packet& packet, const ptychoflow_host& host, const std::string& title);

/// Draws all pictures, then writes them; without a history there is none of the convergence.
/// @returns the files written
/// @throws Error (resource) if a file cannot be written
std::vector<std::filesystem::path> write_pictures(const Targets& targets, const io::ResultFile& result);

}  // namespace ptychoflow::save
