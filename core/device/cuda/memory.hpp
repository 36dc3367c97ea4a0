// The memory of this thread's GPU.
#pragma once

#include "core/device/memory.hpp"

namespace ptychoflow::device::cuda {

device::Memory& gpu_memory();

}  // namespace ptychoflow::device::cuda
