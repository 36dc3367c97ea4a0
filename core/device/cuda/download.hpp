// Copies from this thread's GPU that leave it free.
#pragma once

#include <cstddef>
#include <memory>

#include "core/device/memory.hpp"

namespace ptychoflow::device::cuda {

std::unique_ptr<device::Download> make_download(const void* from, std::size_t bytes);

}  // namespace ptychoflow::device::cuda
