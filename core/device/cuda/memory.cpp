#include "core/device/cuda/memory.hpp"

#include "core/device/cuda/check.hpp"
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
};

}  // namespace

device::Memory& gpu_memory() {
  static GpuMemory memory;
  return memory;
}

}  // namespace ptychoflow::device::cuda
