#include "core/device/cuda/upload.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/device/cuda/check.hpp"
#include "core/device/cuda/handles.hpp"

namespace ptychoflow::device::cuda {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;  // large enough for the bus to reach its full speed

/// Only from pinned memory does a GPU copy by itself: bytes go there first. Of two buffers one is filled while the
/// other is on its way. The stream does not wait for the default stream, as the others do, nor these for it: hence
/// `finish`.
class PinnedUpload final : public device::Upload {
 public:
  PinnedUpload() : stream_(make_stream(cudaStreamNonBlocking)) {
    PTYCHOFLOW_CUDA(cudaGetDevice(&device_));
    for (Buffer& buffer : buffers_) {
      void* bytes = nullptr;
      PTYCHOFLOW_CUDA(cudaMallocHost(&bytes, buffer_bytes));
      buffer.bytes.reset(static_cast<char*>(bytes));
      buffer.sent = make_event(cudaEventBlockingSync);  // who waits leaves its core to others
    }
  }
  ~PinnedUpload() override { (void)cudaStreamSynchronize(stream_.get()); }

  void copy_in(void* to, const void* host, std::size_t bytes) override {
    PTYCHOFLOW_CUDA(cudaSetDevice(device_));  // each thread has its own
    for (std::size_t done = 0; done < bytes; done += buffer_bytes) {
      const std::size_t part = std::min(bytes - done, buffer_bytes);
      Buffer& buffer = buffers_[next_];
      next_ = (next_ + 1) % buffers_.size();
      PTYCHOFLOW_CUDA(cudaEventSynchronize(buffer.sent.get()));  // at once the first time
      std::memcpy(buffer.bytes.get(), static_cast<const char*>(host) + done, part);
      PTYCHOFLOW_CUDA(cudaMemcpyAsync(static_cast<char*>(to) + done, buffer.bytes.get(), part, cudaMemcpyHostToDevice,
                                      stream_.get()));
      PTYCHOFLOW_CUDA(cudaEventRecord(buffer.sent.get(), stream_.get()));
    }
  }

  void finish() override {
    PTYCHOFLOW_CUDA(cudaSetDevice(device_));
    PTYCHOFLOW_CUDA(cudaStreamSynchronize(stream_.get()));
  }

 private:
  struct FreePinned {
    void operator()(char* bytes) const { (void)cudaFreeHost(bytes); }
  };
  struct Buffer {
    std::unique_ptr<char, FreePinned> bytes;
    Event sent;  ///< its bytes have left: it may be filled again
  };

  int device_ = 0;
  Stream stream_;
  std::array<Buffer, 2> buffers_;
  std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<device::Upload> make_upload() { return std::make_unique<PinnedUpload>(); }

}  // namespace ptychoflow::device::cuda
