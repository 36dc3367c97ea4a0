// CUB's sum of a block. Threads of a played card run from the last to the first, so that the first, whose result alone
// counts, finds what all others have left.
#pragma once

#include <cuda_runtime.h>

#include <cstring>

namespace cub {

template <class V, int threads>
class BlockReduce {
 public:
  struct TempStorage {
    V of_thread[threads];
  };

  explicit BlockReduce(TempStorage& storage) : storage_(storage) {}

  template <class Op>
  V Reduce(V mine, Op op) {
    storage_.of_thread[threadIdx.x] = mine;
    V sum = storage_.of_thread[0];
    if (threadIdx.x > 0) {
      std::memset(static_cast<void*>(&sum), 0xFF, sizeof sum);  // undefined, says CUB
      return sum;
    }
    for (int t = 1; t < threads; ++t) sum = op(sum, storage_.of_thread[t]);
    return sum;
  }

 private:
  TempStorage& storage_;
};

}  // namespace cub
