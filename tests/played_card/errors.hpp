// Errors of a played card by their names in CUDA.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

namespace played_card {

/// @throws std::out_of_range for a name that is not known
cudaError_t error_named(const std::string& name);

}  // namespace played_card
