#include "core/ptycho/modes.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.hpp"
#include "core/ptycho/hermitian.hpp"
#include "core/ptycho/illumination.hpp"

namespace ptychoflow::ptycho {
namespace {

constexpr Index n = 32;

device::Array<Complex<double>, 2> main_mode() { return gaussian({{n, n}, {1e-8, 1e-8}}, 8e-8); }

double overlap(View<const Complex<double>, 3> modes, Index a, Index b) {
  const auto gram = overlap_matrix(modes);
  return abs(gram(a, b)) / std::sqrt(gram(a, a).re * gram(b, b).re);
}

class EveryModeStart : public ::testing::TestWithParam<ModeStart> {};

TEST_P(EveryModeStart, GivesModesThatDifferAndCarryPower) {
  const auto modes = make_modes(main_mode(), 4, GetParam(), 0.6, 1);
  const auto share = occupancy<double>(modes.view());
  for (Index m = 1; m < 4; ++m) {
    EXPECT_GT(share[static_cast<std::size_t>(m)], 0.01);
    for (Index e = 0; e < m; ++e) EXPECT_LT(overlap(modes, e, m), 0.99);
  }
}

INSTANTIATE_TEST_SUITE_P(Starts, EveryModeStart,
                         ::testing::Values(ModeStart::hermite, ModeStart::blur, ModeStart::random));

TEST(Modes, HermiteModesAreOrthogonalUpToHighOrder) {
  const auto modes = make_modes(main_mode(), 9, ModeStart::hermite, 0.6, 1);
  for (Index m = 1; m < 9; ++m) {
    for (Index e = 0; e < m; ++e) EXPECT_LT(overlap(modes, e, m), 1e-9) << e << " and " << m;
  }
}

TEST(Modes, TheFirstStaysAsItIs) {
  const auto main = main_mode();
  const auto modes = make_modes(main, 2, ModeStart::hermite, 0.6, 1);
  EXPECT_TRUE(std::equal(main.begin(), main.end(), modes.begin()));
}

TEST(Modes, NoneIsAnError) { EXPECT_THROW(make_modes(main_mode(), 0, ModeStart::hermite, 0.6, 1), Error); }

TEST(Modes, RotationMakesThemOrthogonalByFallingPowerAndKeepsTheIntensity) {
  auto modes = make_modes(main_mode(), 3, ModeStart::blur, 0.9, 1);
  const auto turned = rotated<double>(orthogonal_rotation<double>(modes.view()), modes.view());
  const auto share = occupancy<double>(turned.view());
  EXPECT_GT(share[0], share[1]);
  EXPECT_GT(share[1], share[2]);
  EXPECT_LT(overlap(turned, 0, 1), 1e-6);
  EXPECT_LT(overlap(turned, 1, 2), 1e-6);
  for (Index y = 0; y < n; ++y) {  // incoherent sum, pixel by pixel
    double before = 0, after = 0;
    for (Index m = 0; m < 3; ++m) {
      before += norm(modes(m, y, n / 2));
      after += norm(turned(m, y, n / 2));
    }
    EXPECT_NEAR(after, before, 1e-12 * std::max(1.0, before));
  }
}

TEST(Modes, OccupancyIsTheShareOfPower) {
  device::Array<Complex<float>, 3> modes({2, 1, 2});
  modes(0, 0, 0) = {3, 0};
  modes(1, 0, 1) = {0, 1};
  const auto share = occupancy<float>(modes.view());
  EXPECT_NEAR(share[0], 0.9, 1e-12);
  EXPECT_NEAR(share[1], 0.1, 1e-12);
}

}  // namespace
}  // namespace ptychoflow::ptycho
