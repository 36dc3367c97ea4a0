// From a packet of tensors to the result file.
#pragma once

#include <string>

#include "core/io/result_file.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::save {

/// What the packet holds, as views of it: `packet` must outlive the result. Tensors and metadata that are optional in
/// the stream (docs/STREAM.md) stay empty, and so does the object if it comes in rows.
/// @throws Error (other) if a tensor has another type or rank than the stream's description says
io::ResultFile result_of(const stage::Packet& packet, const ptychoflow_host& host, const std::string& title);

}  // namespace ptychoflow::save
