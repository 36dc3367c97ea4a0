// Reconstructions of small simulated scans: what surrounds the iteration.
#include "core/ptycho/reconstruction.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/ptycho/modes.hpp"
#include "tests/support/simulated_scan.hpp"

namespace ptychoflow::ptycho {
namespace {

Wish go_on(const IterationFigures&) { return Wish::go_on; }

struct SmallScan : test::SimulatedScan<float> {
  device::ThreadPool threads{2};
  std::unique_ptr<Kernels<float>> kernels;

  explicit SmallScan(std::vector<double> mode_powers)
      : SimulatedScan(std::move(mode_powers)), kernels(make_cpu_kernels<float>(threads, layout.frame)) {}

  Result<float> reconstruct(const Settings& settings, Index probe_modes = 1, const Observer& observer = go_on) const {
    return ptycho::reconstruct(problem(), start(probe_modes), settings, *kernels, {}, observer);
  }
};

TEST(Reconstruction, ExplainsTheFramesAndTellsItsHistory) {
  const SmallScan scan({1});
  Settings settings;
  settings.iterations = 40;
  const auto result = scan.reconstruct(settings);
  ASSERT_EQ(result.history.size(), 40u);
  EXPECT_EQ(result.history.back().iteration, 40);
  EXPECT_LT(result.r_factor, 0.05);
  EXPECT_LT(result.history.back().fourier_error, result.history.front().fourier_error);
  EXPECT_FALSE(result.stopped);
  EXPECT_EQ(*std::max_element(result.coverage.begin(), result.coverage.end()), 1.0f);
}

TEST(Reconstruction, StopsOnceNothingChangesMoreThanTheTolerance) {
  const SmallScan scan({1});
  Settings settings;
  settings.iterations = 200;
  settings.tolerance = 0.01;
  const auto result = scan.reconstruct(settings);
  EXPECT_LT(result.history.size(), 200u);
  EXPECT_LT(result.history.back().object_change[0], 0.01);
  EXPECT_LT(result.history.back().probe_change[0], 0.01);
  EXPECT_GE(result.history[result.history.size() - 2].object_change[0] +
                result.history[result.history.size() - 2].probe_change[0],
            0.01);
}

TEST(Reconstruction, StopsWhenAskedAndKeepsWhatItHas) {
  const SmallScan scan({1});
  Settings settings;
  const auto result =
      scan.reconstruct(settings, 1, [](const auto& f) { return f.iteration == 7 ? Wish::stop : Wish::go_on; });
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(result.history.size(), 7u);
}

TEST(Reconstruction, AveragingDoesNotSpoilTheResult) {
  const SmallScan scan({1});
  Settings settings;
  settings.iterations = 60;
  const double plain = scan.reconstruct(settings).r_factor;
  settings.average_from = 0.8;
  EXPECT_LT(scan.reconstruct(settings).r_factor, 1.05 * plain);
}

TEST(Reconstruction, OrthogonalisingOnTheWayLeadsToTheSamePlace) {
  const SmallScan scan({0.7, 0.3});
  Settings settings;
  settings.iterations = 60;
  const auto plain = scan.reconstruct(settings, 2);
  settings.orthogonalise_every = 5;
  const auto rotated_often = scan.reconstruct(settings, 2);
  // The update rules commute with a rotation of the modes that ψ follows.
  EXPECT_NEAR(rotated_often.r_factor, plain.r_factor, 1e-3);
  EXPECT_NEAR(rotated_often.occupancy[0], plain.occupancy[0], 1e-2);
}

TEST(Reconstruction, FindsHowManyModesThereAre) {
  for (const auto& powers : {std::vector<double>{1}, {0.7, 0.3}}) {
    const SmallScan scan(powers);
    const auto start = [&](Index modes) { return scan.start(modes); };
    EXPECT_EQ(find_probe_modes<float>(scan.problem(), start, {}, 100, 3, *scan.kernels, {}, go_on),
              static_cast<Index>(powers.size()));
  }
}

TEST(Reconstruction, ObjectBoundsAndProbeSupportHold) {
  const SmallScan scan({1});
  Settings settings;
  settings.iterations = 20;
  settings.object_bounds.amplitude_max = 1.01;
  settings.probe_support_px = 10;
  const auto result = scan.reconstruct(settings);
  for (const auto& o : result.object) EXPECT_LE(abs(o), 1.0101f);
  EXPECT_EQ(abs(result.probe(0, 0, 0)), 0);
  EXPECT_GT(abs(result.probe(0, 16, 16)), 0);
}

}  // namespace
}  // namespace ptychoflow::ptycho
