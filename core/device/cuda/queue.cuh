// The CUDA side of what core/ptycho/kernels_batched.hpp asks of a device: a stream, and the three ways to launch on it.
#pragma once

#include <cub/block/block_reduce.cuh>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/complex.hpp"
#include "core/base/view.hpp"
#include "core/device/array.hpp"
#include "core/device/block_sum.hpp"
#include "core/device/cuda/check.hpp"
#include "core/device/cuda/handles.hpp"
#include "core/device/cuda/memory.hpp"

namespace ptychoflow::device::cuda {

template <class F>
__global__ void __launch_bounds__(block_threads) each_kernel(Index count, F f) {
  const Index i = static_cast<Index>(blockIdx.x) * block_threads + threadIdx.x;
  if (i < count) f(static_cast<Index>(blockIdx.y), i);
}

struct Plus {
  template <class V>
  __device__ V operator()(V a, const V& b) const {
    return a += b;
  }
};

/// partial[group][block] = Σ over the block's elements.
template <class V, class F>
__global__ void __launch_bounds__(block_threads) sum_kernel(Index count, V* partial, F f) {
  using Reduce = cub::BlockReduce<V, block_threads>;
  __shared__ typename Reduce::TempStorage storage;
  const auto group = static_cast<Index>(blockIdx.y);
  const V mine = sum_of_thread<V>(blockIdx.x, threadIdx.x, count, [&](Index i) { return f(group, i); });
  const V sum = Reduce(storage).Reduce(mine, Plus{});
  if (threadIdx.x == 0) partial[group * gridDim.x + blockIdx.x] = sum;
}

/// One block a group.
template <class V>
__global__ void __launch_bounds__(block_threads) add_up_kernel(Index blocks, const V* partial, V* sums) {
  using Reduce = cub::BlockReduce<V, block_threads>;
  __shared__ typename Reduce::TempStorage storage;
  const V mine = sum_of_partials(threadIdx.x, blocks, partial + static_cast<Index>(blockIdx.x) * blocks);
  const V sum = Reduce(storage).Reduce(mine, Plus{});
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

/// Work that a device does in order. See core/ptycho/kernels_batched.hpp for the contract.
class Queue {
 public:
  /// On `device`, which becomes this thread's.
  explicit Queue(int device);

  device::Memory* memory() const { return &gpu_memory(); }
  device::Memory* far_memory() const { return &pinned_memory(); }

  /// Copies that go on while the processor and other queues do something else.
  void copy_in(void* to, const void* far, std::size_t bytes);
  void copy_out(void* far, const void* from, std::size_t bytes);
  void wait();

  template <class F>
  void each(Index groups, Index count, const F& f) {
    if (groups == 0 || count == 0) return;
    launch(grid(groups, count, block_threads), each_kernel<F>, count, f);
  }

  template <class V, class F>
  void sum(Index groups, Index count, V* sums, const F& f) {
    if (groups == 0) return;
    const dim3 shape = grid(groups, std::max<Index>(count, 1), block_elements);
    V* partial = static_cast<V*>(scratch(sizeof(V) * shape.x * shape.y));
    launch(shape, sum_kernel<V, F>, count, partial, f);
    launch(dim3(shape.y), add_up_kernel<V>, static_cast<Index>(shape.x), partial, sums);
  }

  template <class V>
  std::vector<V> read(const V* values, Index count) {
    std::vector<V> list(static_cast<std::size_t>(count));
    read_bytes(list.data(), values, sizeof(V) * list.size());
    return list;
  }

  /// Bytes from the device, once all that was queued before is done.
  void read_bytes(void* host, const void* device, std::size_t bytes);

  Queue lane() const { return Queue(device_); }
  void after(Queue& other);
  void about(std::string text) const { cuda::about(std::move(text)); }

  /// The first time `body` runs as it is; the second time what it queues is recorded, and replayed from then on: one
  /// call in place of thousands. The last few keys are known.
  template <class Body>
  void replayed(const std::vector<double>& key, const Body& body) {
    auto known = std::find_if(recordings_.begin(), recordings_.end(), [&](const auto& r) { return r.key == key; });
    if (known == recordings_.end()) {
      if (recordings_.size() == most_recordings) recordings_.erase(recordings_.begin());
      recordings_.push_back({key, nullptr});
      return body();
    }
    if (known->graph) return replay(*known);
    if (!may_record_) return body();
    begin_recording();
    try {
      body();
    } catch (...) {
      give_up_recording();
      throw;
    }
    if (!end_recording(*known)) return body();
    replay(*known);
  }

  cudaStream_t stream() const { return stream_.get(); }

  template <class T>
  class Fft;

 private:
  struct DestroyGraph {
    void operator()(cudaGraphExec_t graph) const { (void)cudaGraphExecDestroy(graph); }
  };

  struct Recording {
    std::vector<double> key;
    Owned<cudaGraphExec_t, DestroyGraph> graph;
  };
  static constexpr std::size_t most_recordings = 32;  // a rank sweeps over its views in parts, while it exchanges rows

  /// @throws Error (other) if CUDA's grid does not take so many groups
  static dim3 grid(Index groups, Index count, Index elements_in_block);

  template <class... Parameters, class... Arguments>
  void launch(dim3 blocks, void (*kernel)(Parameters...), Arguments&&... arguments) {
    cudaLaunchConfig_t shape{};
    shape.gridDim = blocks;
    shape.blockDim = dim3(block_threads);
    shape.stream = stream_.get();
    PTYCHOFLOW_CUDA(cudaLaunchKernelEx(&shape, kernel, std::forward<Arguments>(arguments)...));
  }

  void* scratch(std::size_t bytes);
  void begin_recording();
  bool end_recording(Recording& recording);
  void give_up_recording() noexcept;
  void replay(const Recording& recording);

  int device_;
  Stream stream_;
  Event event_;
  std::vector<Recording> recordings_;
  bool may_record_ = true;
  Array<unsigned char, 1> scratch_;
};

/// Two-dimensional transforms of up to `most` arrays that lie one after the other, in place, not normalised.
template <class T>
class Queue::Fft {
 public:
  Fft(Queue& queue, Extents<2> frame, Index most) : frame_(frame), stream_(queue.stream()) { (void)plan(most); }

  void forward(Complex<T>* waves, Index count) { run(waves, count, CUFFT_FORWARD); }
  void inverse(Complex<T>* waves, Index count) { run(waves, count, CUFFT_INVERSE); }

 private:
  struct Plan {
    explicit Plan(Index arrays) : count(arrays) { PTYCHOFLOW_CUDA(cufftCreate(&handle)); }
    Plan(Plan&& other) noexcept : count(other.count), handle(std::exchange(other.handle, -1)) {}
    Plan& operator=(Plan&&) = delete;
    ~Plan() {
      if (handle != -1) (void)cufftDestroy(handle);
    }
    Index count;
    cufftHandle handle = -1;
  };

  void run(Complex<T>* waves, Index count, int direction) {
    const cufftHandle handle = plan(count);
    if constexpr (sizeof(T) == sizeof(float)) {
      auto* data = reinterpret_cast<cufftComplex*>(waves);
      PTYCHOFLOW_CUDA(cufftExecC2C(handle, data, data, direction));
    } else {
      auto* data = reinterpret_cast<cufftDoubleComplex*>(waves);
      PTYCHOFLOW_CUDA(cufftExecZ2Z(handle, data, data, direction));
    }
  }

  /// There are few counts: a full batch, the last of a sweep, and those of the sample for R.
  cufftHandle plan(Index count) {
    for (const Plan& p : plans_) {
      if (p.count == count) return p.handle;
    }
    Plan made(count);
    PTYCHOFLOW_CUDA(cufftSetAutoAllocation(made.handle, 0));
    long long size[] = {frame_[0], frame_[1]};
    std::size_t bytes = 0;
    PTYCHOFLOW_CUDA(cufftMakePlanMany64(made.handle, 2, size, nullptr, 1, 0, nullptr, 1, 0,
                                        sizeof(T) == sizeof(float) ? CUFFT_C2C : CUFFT_Z2Z, count, &bytes));
    PTYCHOFLOW_CUDA(cufftSetStream(made.handle, stream_));
    plans_.push_back(std::move(made));
    if (static_cast<Index>(bytes) > work_.size()) {  // one work area for all: they follow each other on the stream
      PTYCHOFLOW_CUDA(cudaStreamSynchronize(stream_));
      work_ = Array<unsigned char, 1>::uninitialized({static_cast<Index>(bytes)}, &gpu_memory());
      for (const Plan& p : plans_) PTYCHOFLOW_CUDA(cufftSetWorkArea(p.handle, work_.data()));
    } else {
      PTYCHOFLOW_CUDA(cufftSetWorkArea(plans_.back().handle, work_.data()));
    }
    return plans_.back().handle;
  }

  Extents<2> frame_;
  cudaStream_t stream_;
  std::vector<Plan> plans_;
  Array<unsigned char, 1> work_;
};

}  // namespace ptychoflow::device::cuda
