// libptychoflow-cuda.so: a card, and kernels on it.

#include "core/ptycho/gpu.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/base/error.hpp"
#include "core/base/version.hpp"
#include "core/device/array.hpp"
#include "core/device/cuda/check.hpp"
#include "core/device/cuda/choose_device.hpp"
#include "core/device/cuda/memory.hpp"
#include "core/ptycho/cuda/kernels_cuda.hpp"

namespace ptychoflow::ptycho::cuda {
namespace {

class CudaGpu final : public Gpu {
 public:
  CudaGpu(const GpuOptions& options, const device::cuda::Choice& choice)
      : options_(options),
        device_(choice.device),
        sharing_(choice.sharing),
        free_bytes_(device::cuda::take_device(choice)) {
    PTYCHOFLOW_CUDA(cudaGetDeviceProperties(&properties_, device_));
  }

  device::Memory* memory() override { return &device::cuda::gpu_memory(); }
  device::Memory* far_memory() override { return &device::cuda::pinned_memory(); }

  void use_on_this_thread() override { PTYCHOFLOW_CUDA(cudaSetDevice(device_)); }

  double copy_rate() override { return 2 * bytes_a_second(&device::cuda::gpu_memory(), cudaMemcpyDeviceToDevice); }

  double far_copy_rate() override { return bytes_a_second(&device::cuda::pinned_memory(), cudaMemcpyHostToDevice); }

  void join(const comm::Communicator& ranks) override {
    rank_sum_ = make_rank_sum(options_.reduction, ranks, sharing_ == 1);
  }

  std::string description() const override {
    return fmt::format("{} (device {}, {:.1f} GiB free{}){}", properties_.name, device_,
                       static_cast<double>(facts().free_bytes) / (1 << 30),
                       sharing_ > 1 ? fmt::format(" for each of {} ranks that share it", sharing_) : "",
                       rank_sum_ ? fmt::format(", sums over ranks by {}", rank_sum_->name()) : "");
  }

  DeviceFacts facts() const override {
    return {std::min<std::uint64_t>(free_bytes_, options_.device_bytes),
            static_cast<std::uint64_t>(properties_.l2CacheSize),
            std::int64_t{properties_.multiProcessorCount} * properties_.maxThreadsPerMultiProcessor,
            options_.host_bytes};
  }

  std::unique_ptr<Kernels<float>> single_kernels(Yx<Index> frame) override { return kernels<float>(frame); }
  std::unique_ptr<Kernels<double>> double_kernels(Yx<Index> frame) override { return kernels<double>(frame); }

 private:
  /// Of copies to the card.
  static double bytes_a_second(device::Memory* source, cudaMemcpyKind kind) {
    constexpr Index bytes = Index{1} << 30;
    constexpr int times = 20;
    const auto from = device::Array<char, 1>::zeros({bytes}, source);
    auto to = device::Array<char, 1>::zeros({bytes}, &device::cuda::gpu_memory());
    std::chrono::steady_clock::time_point start;
    for (int i = -1; i < times; ++i) {  // the first is not timed
      if (i == 0) {
        PTYCHOFLOW_CUDA(cudaDeviceSynchronize());
        start = std::chrono::steady_clock::now();
      }
      PTYCHOFLOW_CUDA(cudaMemcpyAsync(to.data(), from.data(), bytes, kind));
    }
    PTYCHOFLOW_CUDA(cudaDeviceSynchronize());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    return static_cast<double>(bytes) * times / seconds.count();
  }

  template <class T>
  std::unique_ptr<Kernels<T>> kernels(Yx<Index> frame) {
    const auto plan = [this](Workload work) {
      work.live = options_.live;
      work.next_follows = options_.next_follows;
      return plan_batches(work, facts(), options_.batch_views);
    };
    return make_cuda_kernels<T>(device_, frame, options_.object_sum, plan, rank_sum_.get());
  }

  GpuOptions options_;
  int device_;
  int sharing_;
  std::size_t free_bytes_;
  cudaDeviceProp properties_{};
  std::unique_ptr<RankSum> rank_sum_;
};

}  // namespace

Gpu* open_gpu(const GpuOptions& options, const comm::NodePlace& place) {
  return new CudaGpu(options, device::cuda::choose_device(options.device, place.rank, place.size));
}

}  // namespace ptychoflow::ptycho::cuda

#define PTYCHOFLOW_GPU_EXPORT extern "C" __attribute__((visibility("default")))

PTYCHOFLOW_GPU_EXPORT const char* const ptychoflow_gpu_version = ptychoflow::version;

PTYCHOFLOW_GPU_EXPORT ptychoflow::ptycho::Gpu* ptychoflow_open_gpu(const ptychoflow::ptycho::GpuOptions& options,
                                                                   const ptychoflow::comm::NodePlace& place) {
  return ptychoflow::ptycho::cuda::open_gpu(options, place);
}
