// CUDA's streams and events, destroyed by whoever owns them.
#pragma once

#include <cuda_runtime_api.h>

#include <memory>
#include <type_traits>

#include "core/device/cuda/check.hpp"

namespace ptychoflow::device::cuda {

struct DestroyStream {
  void operator()(cudaStream_t stream) const { (void)cudaStreamDestroy(stream); }
};
struct DestroyEvent {
  void operator()(cudaEvent_t event) const { (void)cudaEventDestroy(event); }
};

template <class Handle, class Destroy>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy>;
using Stream = Owned<cudaStream_t, DestroyStream>;
using Event = Owned<cudaEvent_t, DestroyEvent>;

/// @param flags  of cudaStreamCreateWithFlags
inline Stream make_stream(unsigned flags) {
  cudaStream_t stream = nullptr;
  PTYCHOFLOW_CUDA(cudaStreamCreateWithFlags(&stream, flags));
  return Stream(stream);
}

/// An event that takes no times. @param flags  further ones of cudaEventCreateWithFlags
inline Event make_event(unsigned flags) {
  cudaEvent_t event = nullptr;
  PTYCHOFLOW_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming | flags));
  return Event(event);
}

}  // namespace ptychoflow::device::cuda
