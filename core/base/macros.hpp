// The two annotations that let one functor serve CPU and GPU.
#pragma once

#ifdef __CUDACC__
#define PTYCHOFLOW_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define PTYCHOFLOW_HOST_DEVICE inline __attribute__((always_inline))
#endif
