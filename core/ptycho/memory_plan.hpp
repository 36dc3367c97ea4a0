// What a reconstruction takes, before anything is allocated.
#pragma once

#include <cstdint>

#include "core/device/simd.hpp"
#include "core/ptycho/geometry.hpp"

namespace ptychoflow::ptycho {

/// Bytes on one rank, of what grows with the scan.
struct MemoryPlan {
  std::uint64_t exit_waves = 0;
  std::uint64_t magnitudes = 0;

  std::uint64_t total() const { return exit_waves + magnitudes; }
};

/// On the CPU, whose exit waves lie in strips: their last one may have lanes to spare.
/// @param views       of this rank
/// @param mode_pairs  M_P·M_O
/// @param real_bytes  4 in single precision, 8 in double
constexpr MemoryPlan plan_memory(Yx<Index> frame, Index views, Index mode_pairs, Index real_bytes) {
  const Index lanes = real_bytes == 4 ? device::strip_lanes<float> : device::strip_lanes<double>;
  const Index columns = (frame.x + lanes - 1) / lanes * lanes;
  return {
      static_cast<std::uint64_t>(frame.y * columns * views) * static_cast<std::uint64_t>(2 * real_bytes * mode_pairs),
      static_cast<std::uint64_t>(frame.y * frame.x * views) * static_cast<std::uint64_t>(real_bytes)};
}

}  // namespace ptychoflow::ptycho
