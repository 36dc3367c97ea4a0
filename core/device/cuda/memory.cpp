#include "core/device/cuda/memory.hpp"

#include <cstring>
#include <memory>

#include "core/device/cuda/check.hpp"
#include "core/device/cuda/download.hpp"
#include "core/device/cuda/upload.hpp"

namespace ptychoflow::device::cuda {
namespace {

class GpuMemory final : public device::Memory {
 public:
  void* allocate(std::size_t bytes) override {
    void* data = nullptr;
    PTYCHOFLOW_CUDA(cudaMalloc(&data, bytes));
    return data;
  }
  void release(void* data) noexcept override { (void)cudaFree(data); }
  // Streams of this program wait for the default stream and it for them: these copies are in order with all kernels.
  void clear(void* data, std::size_t bytes) override { PTYCHOFLOW_CUDA(cudaMemset(data, 0, bytes)); }
  void copy_in(void* to, const void* host, std::size_t bytes) override {
    if (bytes > 0) PTYCHOFLOW_CUDA(cudaMemcpy(to, host, bytes, cudaMemcpyHostToDevice));
  }
  void copy_out(void* host, const void* from, std::size_t bytes) override {
    if (bytes > 0) PTYCHOFLOW_CUDA(cudaMemcpy(host, from, bytes, cudaMemcpyDeviceToHost));
  }
  std::unique_ptr<device::Upload> upload() override { return make_upload(); }
  std::unique_ptr<device::Download> download(const void* from, std::size_t bytes) override {
    return make_download(from, bytes);
  }
};

/// Nothing is copied on the way: the processor reads and writes it as its own.
class DirectUpload final : public device::Upload {
 public:
  void copy_in(void* to, const void* host, std::size_t bytes) override { std::memcpy(to, host, bytes); }
  void finish() override {}
};

class PinnedMemory final : public device::Memory {
 public:
  void* allocate(std::size_t bytes) override {
    void* data = nullptr;
    PTYCHOFLOW_CUDA(cudaMallocHost(&data, bytes));
    return data;
  }
  void release(void* data) noexcept override { (void)cudaFreeHost(data); }
  void clear(void* data, std::size_t bytes) override { std::memset(data, 0, bytes); }
  void copy_in(void* to, const void* host, std::size_t bytes) override { std::memcpy(to, host, bytes); }
  void copy_out(void* host, const void* from, std::size_t bytes) override { std::memcpy(host, from, bytes); }
  std::unique_ptr<device::Upload> upload() override { return std::make_unique<DirectUpload>(); }
};

}  // namespace

device::Memory& pinned_memory() {
  static PinnedMemory memory;
  return memory;
}

device::Memory& gpu_memory() {
  static GpuMemory memory;
  return memory;
}

}  // namespace ptychoflow::device::cuda
