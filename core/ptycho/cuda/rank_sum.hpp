// Sums of device memory over ranks.
#pragma once

#include <cuda_runtime_api.h>

#include <memory>
#include <string>

#include "core/comm/communicator.hpp"
#include "core/ptycho/gpu.hpp"

namespace ptychoflow::ptycho::cuda {

/// One way to sum. Calls are collective; `stream` has the work that makes `data`, and gets what follows.
class RankSum {
 public:
  virtual ~RankSum() = default;
  virtual const char* name() const = 0;
  virtual void sum(float* data, Index count, cudaStream_t stream) = 0;
  virtual void sum(double* data, Index count, cudaStream_t stream) = 0;
  virtual void sum(std::int64_t* data, Index count, cudaStream_t stream) = 0;
};

/// Null for a single rank. Collective.
/// @param own_device  this rank shares its card with no other
/// @throws Error (resource) if the way that was asked for does not work here
std::unique_ptr<RankSum> make_rank_sum(Reduction asked, const comm::Communicator& ranks, bool own_device);

}  // namespace ptychoflow::ptycho::cuda
