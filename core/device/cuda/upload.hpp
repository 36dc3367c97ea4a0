// Copies to this thread's GPU that leave the processor free.
#pragma once

#include <memory>

#include "core/device/memory.hpp"

namespace ptychoflow::device::cuda {

std::unique_ptr<device::Upload> make_upload();

}  // namespace ptychoflow::device::cuda
