// The implementation of kernels.hpp on a CUDA device.
#pragma once

#include <memory>

#include "core/ptycho/batch_plan.hpp"
#include "core/ptycho/cuda/rank_sum.hpp"
#include "core/ptycho/kernels.hpp"

namespace ptychoflow::ptycho::cuda {

/// @param rank_sum  outlives the kernels; may be null where there is one rank
template <class T>
std::unique_ptr<Kernels<T>> make_cuda_kernels(int device, Yx<Index> frame, ObjectSum object_sum, Planner plan,
                                              RankSum* rank_sum);

}  // namespace ptychoflow::ptycho::cuda
