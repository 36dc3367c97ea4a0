// Every call of the CUDA runtime and of cuFFT is checked here.
#pragma once

#include <cuda_runtime_api.h>
#include <cufft.h>

#include <string>

namespace ptychoflow::device::cuda {

/// @throws Error (resource): the call, where it stands, the device, what the work was about, and CUDA's own words
void check(cudaError_t status, const char* call, const char* file, int line);
void check(cufftResult status, const char* call, const char* file, int line);

/// What this thread's calls are about from now on ("views 120 to 239"), for messages.
void about(std::string text);

/// Why no CUDA device can be used, from the answer of a first call, and what to do.
std::string why_unusable(cudaError_t status);

}  // namespace ptychoflow::device::cuda

#define PTYCHOFLOW_CUDA(call) ::ptychoflow::device::cuda::check((call), #call, __FILE__, __LINE__)
