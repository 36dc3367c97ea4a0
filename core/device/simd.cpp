#include "core/device/simd.hpp"

namespace ptychoflow::device {

Simd best_simd() {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  if (__builtin_cpu_supports("x86-64-v4")) return Simd::avx512;
  if (__builtin_cpu_supports("x86-64-v3")) return Simd::avx2;
#endif
  return Simd::portable;
}

}  // namespace ptychoflow::device
