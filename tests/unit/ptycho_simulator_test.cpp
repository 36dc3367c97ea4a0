#include "core/ptycho/simulator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "core/base/error.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::ptycho {
namespace {

/// A scan small enough to make many times: 5 frames of 48 × 40 pixels.
SimulationSettings small() {
  SimulationSettings s;
  s.optics = {1e-10, 1.0, {50e-6, 60e-6}, {48, 40}};  // object pixel 41.7 nm
  s.probe = ProbeKind::gaussian;
  s.gaussian_m = 300e-9;
  s.frame_count = 5;
  s.photons = 1e5;
  return s;
}

device::Array<double, 3> expected(const Simulator& simulator, int threads = 1) {
  const auto shape = simulator.plan().grid.shape;
  device::Array<double, 3> frames({simulator.plan().settings.frame_count, shape.y, shape.x});
  device::ThreadPool pool(threads);
  simulator.expect_frames(0, frames, pool);
  return frames;
}

/// Counts of frames [first, last), made by itself.
device::Array<std::uint32_t, 3> counted(const SimulationSettings& s, Index first, Index last, int threads) {
  const Simulator simulator{SimulationPlan(s)};
  device::Array<std::uint32_t, 3> counts({last - first, s.optics.frame.y, s.optics.frame.x});
  device::ThreadPool pool(threads);
  simulator.expose(first, counts, pool);
  return counts;
}

TEST(Simulator, a_frame_is_the_squared_transform_of_probe_times_object) {
  auto s = small();
  s.mode_powers = {3, 1};
  const Simulator simulator{SimulationPlan(s)};
  const auto frames = expected(simulator);
  const auto& plan = simulator.plan();
  for (Index j = 0; j < s.frame_count; ++j) {
    const auto first = plan.offset_px(j);
    std::vector<double> intensity(48 * 40);
    for (Index m = 0; m < 2; ++m) {
      auto wave = Field::uninitialized({48, 40});
      for (Index y = 0; y < 48; ++y) {
        for (Index x = 0; x < 40; ++x) wave(y, x) = plan.modes(m, y, x) * simulator.object()(first.y + y, first.x + x);
      }
      to_far_field(wave);
      for (std::size_t i = 0; i < intensity.size(); ++i) intensity[i] += norm(wave.data()[i]);
    }
    for (std::size_t i = 0; i < intensity.size(); ++i) {
      EXPECT_NEAR(frames[j].data()[i], intensity[i], 1e-9 * s.photons) << j;
    }
  }
}

TEST(Simulator, an_empty_specimen_lets_all_photons_pass) {
  auto s = small();
  s.specimen.amplitude_min = 1;
  s.specimen.phase_min_rad = 0;
  const auto frames = expected(Simulator{SimulationPlan(s)});
  for (Index j = 0; j < s.frame_count; ++j) {
    EXPECT_NEAR(std::accumulate(frames[j].begin(), frames[j].end(), 0.0), s.photons, 1e-6);
  }
}

// A window between pixels sees O(r + w + δ) with P(r): the same intensity as P(r − δ), here the Gaussian's own formula,
// with O(r + w).
TEST(Simulator, a_subpixel_view_moves_the_probe_by_the_rest_of_its_position) {
  auto s = small();
  s.placement = Placement::subpixel;
  const Simulator simulator{SimulationPlan(s)};
  const auto frames = expected(simulator);
  const auto& plan = simulator.plan();
  const double width = 2 * std::log(2) / (s.gaussian_m * s.gaussian_m);
  for (Index j = 0; j < s.frame_count; ++j) {
    const auto& at = plan.positions_px[static_cast<std::size_t>(j)];
    const Index y0 = std::lround(at.y), x0 = std::lround(at.x);
    ASSERT_NE(at.y, static_cast<double>(y0));
    auto wave = Field::uninitialized({48, 40});
    for (Index y = 0; y < 48; ++y) {
      for (Index x = 0; x < 40; ++x) {
        const double ry = (static_cast<double>(y - 24 + y0) - at.y) * plan.grid.pixel_m.y;
        const double rx = (static_cast<double>(x - 20 + x0) - at.x) * plan.grid.pixel_m.x;
        wave(y, x) = {std::exp(-width * (ry * ry + rx * rx)), 0};
      }
    }
    scale_to_power(wave, s.photons);
    for (Index y = 0; y < 48; ++y) {
      for (Index x = 0; x < 40; ++x) wave(y, x) = wave(y, x) * simulator.object()(y0 + y, x0 + x);
    }
    to_far_field(wave);
    for (Index i = 0; i < wave.size(); ++i) {
      // At the window's edge, where the two differ, the Gaussian's amplitude is 2e-5.
      EXPECT_NEAR(frames[j].data()[i], norm(wave.data()[i]), 1e-7 * s.photons) << j;
    }
  }
}

TEST(Simulator, the_seed_makes_the_scan) {
  auto s = small();
  const auto a = counted(s, 0, 5, 1), b = counted(s, 0, 5, 1);
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin()));
  s.seed = 2;
  const auto c = counted(s, 0, 5, 1);
  EXPECT_FALSE(std::equal(a.begin(), a.end(), c.begin()));
}

TEST(Simulator, shares_and_threads_do_not_change_a_single_count) {
  auto s = small();
  s.mode_powers = {4, 1};
  s.placement = Placement::subpixel;
  const auto whole = counted(s, 0, 5, 3);
  for (Index ranks : {2, 3, 7}) {
    for (Index rank = 0; rank < ranks; ++rank) {
      const auto share = device::share_of(5, rank, ranks);
      const auto part = counted(s, share.first, share.last, 1);
      EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + share.first * 48 * 40)) << rank << '/' << ranks;
    }
  }
}

TEST(Simulator, photon_noise_is_poissons) {
  auto s = small();
  s.frame_count = 40;
  s.photons = 3e4;
  const auto mean = expected(Simulator{SimulationPlan(s)});
  const auto counts = counted(s, 0, 40, 2);
  // Over all pixels of mean ≥ 1: Σ(n−µ)/√µ and Σ(n−µ)²/µ have known spreads.
  double pixels = 0, deviation = 0, square = 0, spread = 0;
  for (Index i = 0; i < mean.size(); ++i) {
    const double mu = mean.data()[i];
    if (mu < 1) continue;
    const double d = static_cast<double>(counts.data()[i]) - mu;
    pixels += 1;
    deviation += d / std::sqrt(mu);
    square += d * d / mu;
    spread += 2 + 1 / mu;  // variance of d²/µ
  }
  ASSERT_GT(pixels, 1000);
  EXPECT_LT(std::abs(deviation), 4 * std::sqrt(pixels));
  EXPECT_LT(std::abs(square - pixels), 4 * std::sqrt(spread));
}

TEST(Simulator, a_fly_scan_blurs_by_the_mean_of_its_exposures) {
  auto s = small();
  s.pattern = ScanPattern::fly;
  s.fly_steps = 3;
  s.fly_travel = 1.5;
  for (auto placement : {Placement::whole_pixel, Placement::subpixel}) {
    s.placement = placement;
    SimulationPlan plan(s);
    ASSERT_EQ(plan.exposures(), 3);
    EXPECT_NEAR(plan.travel_px[2] - plan.travel_px[0], plan.step_m / plan.grid.pixel_m.x, 1e-9);  // 1.5 steps · 2/3
    std::vector<double> sum(5 * 48 * 40);
    std::set<Index> columns;
    for (Index e = 0; e < 3; ++e) {
      SimulationPlan one(s);
      one.travel_px = {plan.travel_px[static_cast<std::size_t>(e)]};
      columns.insert(one.window(0, 0).first.x);
      const auto frames = expected(Simulator{std::move(one)});
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += frames.data()[i] / 3;
    }
    EXPECT_EQ(columns.size(), 3u);
    const auto blurred = expected(Simulator{std::move(plan)});
    for (std::size_t i = 0; i < sum.size(); ++i) EXPECT_NEAR(blurred.data()[i], sum[i], 1e-9 * s.photons);
  }
}

TEST(Simulator, dead_pixels_are_masked_and_count_nothing) {
  auto s = small();
  s.dead_fraction = 0.1;
  const SimulationPlan plan(s);
  const auto dead = std::count(plan.mask.begin(), plan.mask.end(), 1);
  EXPECT_NEAR(static_cast<double>(dead), 192, 4 * std::sqrt(1920 * 0.1 * 0.9));
  const auto counts = counted(s, 0, 5, 1);
  for (Index i = 0; i < counts.size(); ++i) {
    if (plan.mask.data()[i % 1920]) {
      EXPECT_EQ(counts.data()[i], 0u);
    }
  }
}

TEST(Simulator, takes_a_specimen_that_is_there) {
  const auto s = small();
  const Simulator own{SimulationPlan(s)};
  const Simulator given(SimulationPlan(s), Field::copy_of(own.object()));
  const auto a = expected(own), b = expected(given);
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin()));
  test::expect_error(
      [&] {
        Simulator(SimulationPlan(s), Field({5, 7}));
      },
      ErrorCode::usage, {"a specimen of 5 × 7 pixels was given for an object of", "object_shape"});
}

TEST(Simulator, without_noise_there_are_no_counts) {
  auto s = small();
  s.noise = Noise::none;
  EXPECT_THROW(counted(s, 0, 1, 1), Error);
}

}  // namespace
}  // namespace ptychoflow::ptycho
