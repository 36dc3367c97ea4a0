// Sums that many threads add to at once. On a GPU they are atomic; on the CPU, where one thread at a time runs these
// functions, they need not be.
#pragma once

#include "core/base/complex.hpp"

namespace ptychoflow::device {

template <class T>
PTYCHOFLOW_HOST_DEVICE void atomic_add(Complex<T>* sum, Complex<T> value) {
#ifdef __CUDA_ARCH__
#if __CUDA_ARCH__ >= 900
  if constexpr (sizeof(T) == sizeof(float)) {  // one request for both parts
    atomicAdd(reinterpret_cast<float2*>(sum), make_float2(value.re, value.im));
    return;
  }
#endif
  atomicAdd(&sum->re, value.re);
  atomicAdd(&sum->im, value.im);
#else
  *sum += value;
#endif
}

}  // namespace ptychoflow::device
