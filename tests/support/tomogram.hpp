// A small simulated tomogram, driven through the stage's C table. For tests of the stage `simulate`.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/support/fake_host.hpp"

namespace ptychoflow::test {

/// 36 frames a scan, steps of 100 nm, object pixels of 14.7 nm: the field is 500 nm wide.
inline stage::Json tomogram(const stage::Json& angles) {
  return {{"name", "stub"},
          {"specimen", {{"kind", "pillar"}, {"crystals", 6}, {"pores", 1}}},
          {"probe", {{"kind", "gaussian"}, {"fwhm_m", 150e-9}}},
          {"scan", {{"frame_count", 36}, {"step_m", 100e-9}}},
          {"detector", {{"frame_size", 32}, {"distance_m", 0.25}, {"photons", 1e5}, {"dead_fraction", 0.02}}},
          {"tomogram", {{"angles", angles}}}};
}

struct Run {
  stage::Description declared;
  std::vector<stage::Packet> packets;
};

inline Run run(const stage::Json& params, int rank = 0, int ranks = 1) {
  FakeHost host(rank, ranks);
  LoadedStage simulate(STAGE_MODULE, host);
  Run r;
  r.declared = simulate.configure(params);
  while (simulate.produce()) continue;
  simulate.finalize();
  r.packets = std::move(host.packets);
  return r;
}

/// Both hold the same values of the same shape.
template <class T, std::size_t Rank>
bool same(const stage::Tensor& a, const stage::Tensor& b) {
  const auto va = a.view<const T, Rank>(), vb = b.view<const T, Rank>();
  return va.extents() == vb.extents() && std::equal(va.begin(), va.end(), vb.begin());
}

}  // namespace ptychoflow::test
