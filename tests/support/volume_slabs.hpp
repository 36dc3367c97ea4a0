// Packets as tomo sends them, of a noisy ball of grains, for tests of compare_volume.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>

#include "core/device/array.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::test {

using Volume = device::Array<float, 3>;

inline constexpr Index depth = 20, side = 32;
inline constexpr double voxel_m = 2e-8, grain = 1e-6;

/// A ball of grains with air around, `moved` so many voxels down in x.
inline Volume ball(Index moved = 0) {
  Volume v({depth, side, side});
  std::mt19937 random(1);
  std::normal_distribution<double> grains(3 * grain, grain);
  for (Index z = 0; z < depth; ++z) {
    for (Index y = 0; y < side; ++y) {
      for (Index x = 0; x < side; ++x) {
        const double value = grains(random);
        const double far = std::hypot((static_cast<double>(z) - 9.5) / 8, (static_cast<double>(y) - 15.5) / 11,
                                      (static_cast<double>(x) - 15.5) / 11);
        if (far < 1) v(z, y, x - moved) = static_cast<float>(value);
      }
    }
  }
  return v;
}

inline Volume with_noise(const Volume& truth, double sigma, unsigned seed) {
  Volume v = Volume::copy_of(truth);
  std::mt19937 random(seed);
  std::normal_distribution<float> error(0, static_cast<float>(sigma));
  for (float& value : v) value += error(random);
  return v;
}

inline stage::Tensor part(const Volume& v, Index first, Index count) {
  Volume slab({count, side, side});
  std::copy_n(v[first].data(), slab.size(), slab.data());
  return stage::Tensor::own(std::move(slab));
}

/// Slices first … first + count − 1 of noisy volumes.
inline stage::Packet slab(Index first, Index count, bool with_halves, double noise = 0.3 * grain, Index moved = 0) {
  stage::Packet packet;
  const Volume truth = ball(moved);
  packet.tensors["volume"] = part(with_noise(truth, noise, 2), first, count);
  if (with_halves) {
    device::Array<float, 4> halves({2, count, side, side});
    for (const Index h : {0, 1}) {
      const Volume half = with_noise(truth, noise * std::sqrt(2.0), 3 + static_cast<unsigned>(h));
      std::copy_n(half[first].data(), halves[h].size(), halves[h].data());
    }
    packet.tensors["volume_halves"] = stage::Tensor::own(std::move(halves));
  }
  packet.metadata = {{"volume_shape", {depth, side, side}},
                     {"slab_first", first},
                     {"voxel_size_m", {voxel_m, voxel_m, voxel_m}},
                     {"ends_volume", first + count == depth},
                     {"series", "ball"}};
  return packet;
}

inline stage::Packet with_truth(stage::Packet packet) {
  packet.tensors["truth_volume"] = stage::Tensor::own(ball());
  return packet;
}

inline stage::Description description(bool halves, bool truth) {
  stage::Description d;
  d.add("volume", "", {}, "", "");
  if (halves) d.add("volume_halves", "", {}, "", "");
  if (truth) d.add("truth_volume", "", {}, "", "");
  return d;
}

inline std::string message_of(ErrorCode code, const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  return "nothing thrown";
}

inline void expect_in(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

}  // namespace ptychoflow::test
