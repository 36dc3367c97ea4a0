// The memory of this thread's GPU.
#pragma once

#include "core/device/memory.hpp"

namespace ptychoflow::device::cuda {

device::Memory& gpu_memory();

/// Of the processor, which does not move: copies to and from a GPU can go on beside all else.
device::Memory& pinned_memory();

}  // namespace ptychoflow::device::cuda
