#include <gtest/gtest.h>

#include <cmath>

#include "core/tomo/alignment.hpp"
#include "core/tomo/sine_fit.hpp"
#include "tests/support/throws.hpp"
#include "tests/support/turning_sample.hpp"

namespace ptychoflow::test {
namespace {

using namespace tomo;

/// RMS of what is left of the displacements, less what nobody can know.
Shift residual_rms(const TurningSample& s, const Alignment& found) {
  std::vector<double> y, x;
  for (std::size_t a = 0; a < s.moved.size(); ++a) {
    y.push_back(s.moved[a].y_px + found.shift[a].y_px);
    x.push_back(s.moved[a].x_px + found.shift[a].x_px);
  }
  double mean = 0;
  for (const double v : y) mean += v / static_cast<double>(y.size());
  const Sine path = fit_sine(x, s.angle_rad);
  Shift square{};
  for (std::size_t a = 0; a < y.size(); ++a) {
    square.y_px += std::pow(y[a] - mean, 2);
    square.x_px += std::pow(x[a] - path.at(s.angle_rad[a]), 2);
  }
  const auto n = static_cast<double>(y.size());
  return {std::sqrt(square.y_px / n), std::sqrt(square.x_px / n)};
}

AlignmentSettings by(AlignmentMethod method) {
  AlignmentSettings settings;
  settings.method = method;
  return settings;
}

Alignment aligned(
    const TurningSample& s, const AlignmentSettings& settings, const GoOn& go_on = [](int, double) { return true; }) {
  device::ThreadPool threads(2);
  return find_alignment(s.phase, s.angle_rad, settings, threads, go_on);
}

TEST(Alignment, RefinementFindsShiftsAmongNoiseAndRamps) {
  for (const Flaws& flaws : {Flaws{20, 0.05, 0.1}, Flaws{20, 0.05, 0.3}}) {
    const TurningSample s = turning_sample(60, {80, 96}, 46.3, flaws);
    const Shift coarse = residual_rms(s, aligned(s, by(AlignmentMethod::profile)));
    int iterations = 0;
    double last_px = 0;
    const Alignment found = aligned(s, by(AlignmentMethod::refine), [&](int iteration, double step_px) {
      iterations = iteration;
      last_px = step_px;
      return true;
    });
    const Shift fine = residual_rms(s, found);
    EXPECT_LT(coarse.y_px, 0.3);
    EXPECT_LT(coarse.x_px, 1);
    EXPECT_LT(fine.y_px, 0.1);
    EXPECT_LT(fine.x_px, 0.1);
    EXPECT_EQ(found.iterations, iterations);
    EXPECT_EQ(found.last_step_px, last_px);
    EXPECT_LT(last_px, settled_px);
    EXPECT_TRUE(found.at_limit.empty());
  }
}

TEST(Alignment, RefinementNeedsMoreIterationsInMoreNoise) {
  const TurningSample s = turning_sample(60, {80, 96}, 46.3, {20, 0.2, 0.3}, 5);
  const Alignment found = aligned(s, by(AlignmentMethod::refine));
  const Shift fine = residual_rms(s, found);
  EXPECT_LT(fine.y_px, 0.2);
  EXPECT_LT(fine.x_px, 0.2);
  EXPECT_GT(found.iterations, 5);
}

TEST(Alignment, WithoutFlawsTheAxisIsFoundAndNothingMoves) {
  const TurningSample s = turning_sample(45, {64, 80}, 37.6, {});
  for (const auto method : {AlignmentMethod::none, AlignmentMethod::profile, AlignmentMethod::refine}) {
    const Alignment found = aligned(s, by(method));
    EXPECT_NEAR(found.axis_px, 37.6, 0.05);
    for (const Shift& shift : found.shift) {
      EXPECT_NEAR(shift.y_px, 0, 0.1);
      EXPECT_NEAR(shift.x_px, 0, 0.2);
    }
  }
}

TEST(Alignment, MovesTheSampleToAKnownAxis) {
  const TurningSample s = turning_sample(45, {64, 80}, 37.6, {4, 0.02, 0});
  auto settings = by(AlignmentMethod::refine);
  settings.axis_px = 40;
  const Alignment found = aligned(s, settings);
  EXPECT_EQ(found.axis_px, 40);
  std::vector<double> x;
  for (std::size_t a = 0; a < s.moved.size(); ++a) x.push_back(s.moved[a].x_px + found.shift[a].x_px);
  EXPECT_NEAR(fit_sine(x, s.angle_rad).constant, 40 - 37.6, 0.1);
  EXPECT_LT(residual_rms(s, found).x_px, 0.1);
}

/// Over half a turn, an axis that is off looks like a sample that is.
TEST(Alignment, OfEquallyGoodShiftsTakesTheSmallest) {
  for (const unsigned seed : {1U, 2U, 3U}) {
    const TurningSample s = turning_sample(45, {64, 80}, 37.6, {4, 0.2, 0}, seed);
    const Alignment found = aligned(s, by(AlignmentMethod::refine));
    std::vector<double> x;
    for (const Shift& shift : found.shift) x.push_back(shift.x_px);
    const Sine common = fit_sine(x, s.angle_rad);
    EXPECT_NEAR(common.constant, 0, 1e-3);
    EXPECT_NEAR(common.cosine, 0, 1e-3);
    EXPECT_NEAR(common.sine, 0, 1e-3);
    EXPECT_LT(residual_rms(s, found).x_px, 0.25);
  }
}

TEST(Alignment, AnAxisThatIsHeldDoesNotMove) {
  TurningSample s = turning_sample(45, {64, 80}, 37.6, {});
  auto settings = by(AlignmentMethod::refine);
  settings.horizontal = settings.vertical = false;
  const Alignment found = aligned(s, settings);
  EXPECT_NEAR(found.axis_px, 37.6, 0.05);
  for (const Shift& shift : found.shift) {
    EXPECT_EQ(shift.y_px, 0);
    EXPECT_EQ(shift.x_px, 0);
  }
}

TEST(Alignment, StopsAtTheLimitAndNamesTheProjections) {
  const TurningSample s = turning_sample(45, {80, 96}, 46.3, {12, 0, 0});
  auto settings = by(AlignmentMethod::refine);
  settings.max_shift_px = 5;
  const Alignment found = aligned(s, settings);
  EXPECT_GT(found.at_limit.size(), 10U);
  EXPECT_LT(found.at_limit.size(), 45U);
  for (const Shift& shift : found.shift) {
    EXPECT_LE(std::abs(shift.y_px), 5);
    EXPECT_LE(std::abs(shift.x_px), 5);
  }
}

TEST(Alignment, EndsWhenItIsToldTo) {
  const TurningSample s = turning_sample(45, {64, 80}, 37.6, {5, 0.1, 0});
  const Alignment found = aligned(s, by(AlignmentMethod::refine), [](int iteration, double) { return iteration < 2; });
  EXPECT_EQ(found.iterations, 2);
  EXPECT_GE(found.last_step_px, settled_px);
}

TEST(Alignment, RefusesWhatShowsNoMatterOrHasNoRowsInCommon) {
  TurningSample s = turning_sample(12, {64, 80}, 37.6, {});
  for (float& v : s.phase) v = -v;
  expect_error([&] { aligned(s, by(AlignmentMethod::profile)); }, ErrorCode::data,
               {"0 of 12 projections show matter", "sign"});
  const TurningSample scattered = turning_sample(12, {64, 80}, 37.6, {30, 0, 0});
  expect_error([&] { aligned(scattered, by(AlignmentMethod::profile)); }, ErrorCode::data,
               {"rows of 64 are left", "at least 16"});
}

}  // namespace
}  // namespace ptychoflow::test
