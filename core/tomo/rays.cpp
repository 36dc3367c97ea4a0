#include "core/tomo/rays.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

namespace ptychoflow::tomo {
namespace {

#define PTYCHOFLOW_LOOPS "core/tomo/rays_loops.hpp"
#include "core/device/simd_loops.hpp"

}  // namespace

RayLoops ray_loops(device::Simd simd) { return device::choose(simd, portable::loops, avx2::loops, avx512::loops); }

}  // namespace ptychoflow::tomo
