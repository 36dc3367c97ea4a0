// Random numbers that depend on a seed and on what they are for, never on who draws them or in which order.
#pragma once

#include <cstdint>
#include <limits>

#include "core/base/units.hpp"

#include <cmath>

namespace ptychoflow::ptycho {

/// What random numbers of a simulation are for.
namespace RandomStream {
inline constexpr std::uint64_t specimen = 1, scan = 2, mask = 3;
inline constexpr std::uint64_t shift = 4;                        ///< of the specimen, from scan to scan
inline constexpr std::uint64_t noise = 16;                       ///< of frame 0; each frame has its own
inline constexpr std::uint64_t series = std::uint64_t{1} << 40;  ///< seed of scan 0 of a series; each scan has its own
}  // namespace RandomStream

/// SplitMix64 (Steele, Lea, Flood 2014) as a C++ generator. Two streams of one seed are unrelated.
class Random {
 public:
  using result_type = std::uint64_t;

  explicit Random(std::uint64_t seed, std::uint64_t stream = 0)
      : state_(mixed(mixed(seed + step) ^ (stream + 1) * step)) {}

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()() { return mixed(state_ += step); }

  /// Uniform in [0, 1).
  double uniform() { return static_cast<double>((*this)() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// Standard normal, by Box and Muller.
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * pi * uniform());
  }

 private:
  static constexpr std::uint64_t step = 0x9E3779B97F4A7C15;

  static constexpr std::uint64_t mixed(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

}  // namespace ptychoflow::ptycho
