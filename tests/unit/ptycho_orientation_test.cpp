#include <gtest/gtest.h>

#include "core/ptycho/central_views.hpp"
#include "core/ptycho/orientation.hpp"
#include "tests/support/simulated_scan.hpp"

namespace ptychoflow::ptycho {
namespace {

TEST(Orientation, ExchangesAxesBeforeItChangesSigns) {
  const Yx<double> p{1, 2};
  EXPECT_EQ((Orientation{false, false, true}.of(p)), (Yx<double>{-1, 2}));
  EXPECT_EQ((Orientation{false, true, false}.of(p)), (Yx<double>{1, -2}));
  EXPECT_EQ((Orientation{true, true, false}.of(p)), (Yx<double>{2, -1}));
  EXPECT_EQ((Orientation{true, true, false}.text()), "{swap_xy: true, flip_x: true, flip_y: false}");
}

TEST(Orientation, TakesViewsFromTheMiddle) {
  std::vector<Yx<double>> raster;
  for (int y = 0; y < 5; ++y) {
    for (int x = 0; x < 5; ++x) raster.push_back({1e-6 * y, 1e-6 * x});
  }
  EXPECT_EQ(central_views(raster, 5), (std::vector<Index>{7, 11, 12, 13, 17}));
  EXPECT_EQ(central_views(raster, 100).size(), 25U);
}

TEST(Orientation, IsClearWhereTheSecondIsMuchWorse) {
  EXPECT_TRUE(is_clear({{{}, 0.1}, {{}, 0.2}, {{}, 0.2}}));
  EXPECT_FALSE(is_clear({{{}, 0.1}, {{}, 0.11}, {{}, 0.2}}));
}

TEST(Orientation, AllEightAreTriedAndRightAxesAreBest) {
  test::SimulatedScan<float> scan({1.0});
  TrialScan trial;
  trial.magnitudes = std::make_shared<device::Array<float, 3>>(
      device::Array<float, 3>::copy_of(scan.problem().all_magnitudes().view()));
  for (const auto& w : scan.layout.windows) {
    const Yx<double> pixel = scan.layout.pixel_size_m;
    trial.positions_m.push_back({pixel.y * static_cast<double>(w.y), pixel.x * static_cast<double>(w.x)});
  }
  trial.optics = scan.optics;
  trial.light = std::move(scan.light);
  trial.light.initial_probe = start_probe(scan.guess, trial.light, scan.layout, 1);
  device::ThreadPool threads(1);
  const auto trials = try_orientations(trial, threads);
  ASSERT_EQ(trials.size(), 8U);
  for (std::size_t i = 1; i < trials.size(); ++i) EXPECT_LE(trials[i - 1].r_factor, trials[i].r_factor);
  EXPECT_FALSE(trials[0].orientation.swap_xy) << "a round probe leaves the twin: both signs changed";
  EXPECT_EQ(trials[0].orientation.flip_x, trials[0].orientation.flip_y);
  EXPECT_LT(trials[1].r_factor, 0.8 * trials[2].r_factor);
}

}  // namespace
}  // namespace ptychoflow::ptycho
