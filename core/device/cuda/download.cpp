#include "core/device/cuda/download.hpp"

#include "core/device/array.hpp"
#include "core/device/cuda/check.hpp"
#include "core/device/cuda/handles.hpp"
#include "core/device/cuda/memory.hpp"

namespace ptychoflow::device::cuda {
namespace {

/// A copy within the card is soon made: streams that compute wait for it, as for all that the default stream does. From
/// it bytes go to pinned memory on a stream for which nothing waits.
class PinnedDownload final : public device::Download {
 public:
  PinnedDownload(const void* from, std::size_t bytes)
      : kept_(Bytes::uninitialized({static_cast<Index>(bytes)}, &gpu_memory())),
        here_(Bytes::uninitialized({static_cast<Index>(bytes)}, &pinned_memory())),
        stream_(make_stream(cudaStreamNonBlocking)) {
    const Event is_kept = make_event(0);
    PTYCHOFLOW_CUDA(cudaMemcpyAsync(kept_.data(), from, bytes, cudaMemcpyDeviceToDevice, nullptr));
    PTYCHOFLOW_CUDA(cudaEventRecord(is_kept.get(), nullptr));
    PTYCHOFLOW_CUDA(cudaStreamWaitEvent(stream_.get(), is_kept.get(), 0));
    PTYCHOFLOW_CUDA(cudaMemcpyAsync(here_.data(), kept_.data(), bytes, cudaMemcpyDeviceToHost, stream_.get()));
  }
  ~PinnedDownload() override { (void)cudaStreamSynchronize(stream_.get()); }
  PinnedDownload(const PinnedDownload&) = delete;
  PinnedDownload& operator=(const PinnedDownload&) = delete;

  const void* finish() override {
    PTYCHOFLOW_CUDA(cudaStreamSynchronize(stream_.get()));
    return here_.data();
  }

 private:
  using Bytes = Array<unsigned char, 1>;

  Bytes kept_, here_;
  Stream stream_;
};

}  // namespace

std::unique_ptr<device::Download> make_download(const void* from, std::size_t bytes) {
  return std::make_unique<PinnedDownload>(from, bytes);
}

}  // namespace ptychoflow::device::cuda
