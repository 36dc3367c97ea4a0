// Kernels on a CUDA device.

#include "core/ptycho/cuda/kernels_cuda.hpp"

#include "core/device/cuda/queue.cuh"
#include "core/ptycho/kernels_batched.hpp"

namespace ptychoflow::ptycho::cuda {
namespace {

using device::cuda::Queue;

template <class T>
class CudaKernels final : public BatchedKernels<T, Queue> {
 public:
  CudaKernels(int device, Yx<Index> frame, ObjectSum object_sum, Planner plan, RankSum* rank_sum)
      : BatchedKernels<T, Queue>(Queue(device), frame, object_sum, std::move(plan)), rank_sum_(rank_sum) {}

  void sum_numerator(Overlap<T>& overlap, const comm::Communicator& ranks) override {
    if (ranks.size() == 1) return;
    if (overlap.numerator_scale.used()) {
      sum(reinterpret_cast<std::int64_t*>(overlap.whole_numerator.data()), 2 * overlap.whole_numerator.size());
    } else {
      sum(reinterpret_cast<T*>(overlap.numerator.data()), 2 * overlap.numerator.size());
    }
  }

  void sum_denominator(Overlap<T>& overlap, const comm::Communicator& ranks) override {
    if (ranks.size() == 1) return;
    if (overlap.denominator_scale.used()) {
      sum(overlap.whole_denominator.data(), overlap.whole_denominator.size());
    } else {
      sum(overlap.denominator.data(), overlap.denominator.size());
    }
  }

 private:
  template <class V>
  void sum(V* data, Index count) {
    rank_sum_->sum(data, count, this->queue().stream());
  }

  RankSum* rank_sum_;
};

}  // namespace

template <class T>
std::unique_ptr<Kernels<T>> make_cuda_kernels(int device, Yx<Index> frame, ObjectSum object_sum, Planner plan,
                                              RankSum* rank_sum) {
  return std::make_unique<CudaKernels<T>>(device, frame, object_sum, std::move(plan), rank_sum);
}

template std::unique_ptr<Kernels<float>> make_cuda_kernels(int, Yx<Index>, ObjectSum, Planner, RankSum*);
template std::unique_ptr<Kernels<double>> make_cuda_kernels(int, Yx<Index>, ObjectSum, Planner, RankSum*);

}  // namespace ptychoflow::ptycho::cuda
