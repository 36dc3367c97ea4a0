#include "core/device/cuda/choose_device.hpp"

#include <fmt/format.h>

#include "core/base/error.hpp"
#include "core/device/cuda/check.hpp"

namespace ptychoflow::device::cuda {

Choice choose_device(int wished, int rank, int ranks) {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  const cudaError_t answer = status == cudaSuccess && devices == 0 ? cudaErrorNoDevice : status;
  if (answer != cudaSuccess) {
    throw Error(ErrorCode::resource,
                fmt::format("no GPU can be used: {}; --backend cpu needs none", why_unusable(answer)));
  }
  if (wished >= devices) {
    throw Error(ErrorCode::resource, fmt::format("device: {}, but CUDA sees {} GPU(s), numbered from 0: check "
                                                 "CUDA_VISIBLE_DEVICES",
                                                 wished, devices));
  }
  if (wished >= 0) return {wished, ranks};
  return {rank % devices, (ranks + devices - 1) / devices};
}

std::size_t take_device(const Choice& choice) {
  PTYCHOFLOW_CUDA(cudaSetDevice(choice.device));
  std::size_t free = 0, total = 0;
  PTYCHOFLOW_CUDA(cudaMemGetInfo(&free, &total));  // starts CUDA on the device: a fault shows now
  const std::size_t reserve = total / 50;          // for what CUDA allocates on the way
  return (free > reserve ? free - reserve : 0) / static_cast<std::size_t>(choice.sharing);
}

}  // namespace ptychoflow::device::cuda
