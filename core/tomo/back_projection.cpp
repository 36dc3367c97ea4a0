#include "core/tomo/back_projection.hpp"

#include <cstdint>
#include <cstring>
#include <utility>

namespace ptychoflow::tomo {
namespace {

#define PTYCHOFLOW_LOOPS "core/tomo/back_projection_loops.hpp"
#include "core/device/simd_loops.hpp"

}  // namespace

BackProjectTile back_project_tile(device::Simd simd) {
  return device::choose(simd, portable::loops, avx2::loops, avx512::loops);
}

}  // namespace ptychoflow::tomo
