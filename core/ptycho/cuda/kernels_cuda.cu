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

  void sum(device::Array<Complex<T>, 3>& numerator, const comm::Communicator& ranks) override {
    if (ranks.size() == 1) return;
    rank_sum_->sum(reinterpret_cast<T*>(numerator.data()), 2 * numerator.size(), this->queue().stream());
  }

 private:
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
