// Memory that is not the processor's own.
#pragma once

#include <cstddef>
#include <memory>

namespace ptychoflow::device {

/// Copies to a device that go on while the processor and the device do something else. For one thread at a time, which
/// need not be the one that made it. Its end waits for the copies. Throws Error (resource) if the device fails, maybe
/// in a later call.
class Upload {
 public:
  virtual ~Upload() = default;

  /// Returns once `host` may be changed; when `to` has the bytes only `finish` tells.
  virtual void copy_in(void* to, const void* host, std::size_t bytes) = 0;

  /// Waits until all bytes are there: what the device is told to do from then on finds them.
  virtual void finish() = 0;
};

/// What lay at a place in a device's memory when this was made. It comes while the device goes on, whatever becomes of
/// the place. Throws Error (resource) if the device fails.
class Download {
 public:
  virtual ~Download() = default;

  /// Waits until all bytes are here, where they stay as long as this lives.
  virtual const void* finish() = 0;
};

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

  /// A way in beside all else that the device does.
  virtual std::unique_ptr<Upload> upload() = 0;

  /// A way out likewise. As it stands it copies at once.
  virtual std::unique_ptr<Download> download(const void* from, std::size_t bytes);
};

}  // namespace ptychoflow::device
