// Compiles the file that PTYCHOFLOW_LOOPS names for each instruction set: its code comes to lie in the namespaces
// `portable`, `avx2` and `avx512` of where this is included, and has PTYCHOFLOW_BYTES to a register. The compiler lays
// out vectors where it first sees a function, so that each instruction set needs functions of its own. Hence no #pragma
// once.

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")
namespace avx512 {
#define PTYCHOFLOW_BYTES 64
#include "core/device/simd_vectors.hpp"
#include PTYCHOFLOW_LOOPS
#undef PTYCHOFLOW_BYTES
}  // namespace avx512
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
namespace avx2 {
#define PTYCHOFLOW_BYTES 32
#include "core/device/simd_vectors.hpp"
#include PTYCHOFLOW_LOOPS
#undef PTYCHOFLOW_BYTES
}  // namespace avx2
#pragma GCC pop_options
#define PTYCHOFLOW_BYTES 16
namespace portable {
#include "core/device/simd_vectors.hpp"
#include PTYCHOFLOW_LOOPS
}  // namespace portable
#undef PTYCHOFLOW_BYTES
#else
namespace portable {
#define PTYCHOFLOW_BYTES 16
#include "core/device/simd_vectors.hpp"
#include PTYCHOFLOW_LOOPS
#undef PTYCHOFLOW_BYTES
}  // namespace portable
namespace avx2 = portable;
namespace avx512 = portable;
#endif
#undef PTYCHOFLOW_LOOPS
