// Memory that is not the processor's own.
#pragma once

#include <cstddef>

namespace ptychoflow::device {

/// A graphics card's memory, say. Where a pointer to it is null, the processor's own memory is meant. All calls but
/// `release` throw Error (resource) if the device fails.
class Memory {
 public:
  virtual ~Memory() = default;

  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* data) noexcept = 0;
  virtual void clear(void* data, std::size_t bytes) = 0;
  virtual void copy_in(void* to, const void* host, std::size_t bytes) = 0;
  virtual void copy_out(void* host, const void* from, std::size_t bytes) = 0;
};

}  // namespace ptychoflow::device
