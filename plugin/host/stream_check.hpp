// What a stage declares at configure, checked before the next stage believes it.
#pragma once

#include <string>
#include <vector>

#include "plugin/host/pipeline.hpp"

namespace ptychoflow::host {

/// A stream that carries nothing: what a source is given.
Json empty_stream();

/// Parses a description of the stream (see `configure` in stage.h and docs/STREAM.md).
/// @throws Error (other) that says what is wrong with it; it is the stage's fault, not the user's
Json parse_stream(const char* text);

/// @throws Error (usage) if the stage at `place` of the pipeline needs tensors that `input` lacks, or is a source
///         (consumes nothing) in any place but the first
void check_place(const Pipeline& pipeline, std::size_t place, const std::vector<std::string>& consumes,
                 const Json& input);

/// "complex64 [3,128,128]"; "?" for an extent that varies.
std::string describe_tensor(const Json& tensor);

}  // namespace ptychoflow::host
