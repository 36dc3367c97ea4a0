#include "core/phase/ramp.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/support/throws.hpp"

namespace ptychoflow::phase {
namespace {

constexpr Plane tilt{1.5, -0.03, 0.02};

/// A ramp with noise, and matter of at most `depth_rad` in a disc of this radius.
Map specimen(double radius_px, double depth_rad, double noise_rad) {
  std::mt19937 random(6);
  std::normal_distribution<double> noise(0, noise_rad);
  Map m({128, 160});
  for (Index y = 0; y < 128; ++y) {
    for (Index x = 0; x < 160; ++x) {
      const double r = std::hypot(static_cast<double>(y - 60), static_cast<double>(x - 90)) / radius_px;
      const double matter = r < 1 ? -depth_rad * std::sqrt(1 - r * r) : 0;
      m(y, x) = static_cast<float>(tilt.at(y, x) + matter + noise(random));
    }
  }
  return m;
}

Map ones(Extents<2> extents) {
  Map m(extents);
  for (float& v : m) v = 1;
  return m;
}

void expect_tilt(const Plane& plane, double tolerance_rad) {
  for (const auto& [y, x] : {std::pair<Index, Index>{0, 0}, {127, 0}, {0, 159}, {127, 159}}) {
    EXPECT_NEAR(plane.at(y, x), tilt.at(y, x), tolerance_rad) << "at " << y << ", " << x;
  }
}

TEST(Ramp, OfMarkedPixelsOnly) {
  const Map m = specimen(50, 8, 0);
  const auto air = mark({{0, 0, 128, 20}, {120, 0, 128, 160}}, m.extents());
  EXPECT_EQ(air(119, 20), 0);
  EXPECT_EQ(air(120, 20), 1);
  expect_tilt(fit_plane(m, ones(m.extents()), air), 1e-5);  // float32 at a few rad
}

TEST(Ramp, OfPixelsWithWeightOnly) {
  Map m = specimen(50, 8, 0), weight = ones(m.extents());
  for (Index x = 0; x < 160; ++x) {
    m(5, x) = 100;
    weight(5, x) = 0;
  }
  expect_tilt(fit_plane(m, weight, mark({{0, 0, 10, 160}}, m.extents())), 1e-4);  // 100 px beyond a strip of ten
}

TEST(Ramp, OfPixelsOnALineIsAnError) {
  const Map m = specimen(50, 8, 0);
  test::expect_error(
      [&] {
        fit_plane(m, ones(m.extents()), mark({{3, 0, 4, 160}}, m.extents()));
      },
      ErrorCode::data, {"fewer than three or lie on a line"});
  test::expect_error([&] { fit_robust_plane(m, Map(m.extents())); }, ErrorCode::data, {"fewer than three"});
}

TEST(Ramp, RobustFitIgnoresWhatStandsOut) {
  const Map m = specimen(35, 8, 0.05);
  // A fifth of the image is matter; what the biweight leaves of its rim, and noise, are worth some hundredths.
  expect_tilt(fit_robust_plane(m, ones(m.extents())), 0.05);
}

TEST(Ramp, AirIsFoundBesideMuchMatter) {
  const Map m = specimen(70, 10, 0.1);
  const auto air = find_air(m, ones(m.extents()));
  ASSERT_TRUE(air);
  // Noise of 0.1 over 5000 px gives 0.005 at the corners; the thin rim of the disc pulls as much again.
  expect_tilt(air->plane, 0.03);
  EXPECT_EQ(air->marked(60, 90), 0);
  EXPECT_EQ(air->marked(2, 2), 1);
}

TEST(Ramp, AirIsNotFoundWhereAllIsMatter) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> place(0, 128), depth(0.5, 3);
  Map m({128, 128});
  for (int hill = 0; hill < 200; ++hill) {
    const double hy = place(random), hx = place(random), d = depth(random);
    for (Index y = 0; y < 128; ++y) {
      for (Index x = 0; x < 128; ++x) {
        const double dy = static_cast<double>(y) - hy, dx = static_cast<double>(x) - hx;
        m(y, x) -= static_cast<float>(d * std::exp(-(dy * dy + dx * dx) / 72));
      }
    }
  }
  EXPECT_FALSE(find_air(m, ones(m.extents())));
}

TEST(Ramp, AirIsNotFoundInAFewPixels) { EXPECT_FALSE(find_air(ones({6, 6}), ones({6, 6}))); }

TEST(Ramp, IsTakenAway) {
  Map m({3, 4});
  for (Index y = 0; y < 3; ++y) {
    for (Index x = 0; x < 4; ++x) m(y, x) = static_cast<float>(tilt.at(y, x));
  }
  subtract(tilt, m);
  for (const float v : m) EXPECT_NEAR(v, 0, 1e-6);
}

TEST(Ramp, AmplitudeIsTheMedianOfWhatIsMarkedAndTrusted) {
  Map a({1, 6}), weight = ones({1, 6});
  for (Index x = 0; x < 6; ++x) a(0, x) = static_cast<float>(x);
  weight(0, 4) = 0;
  EXPECT_EQ(median_amplitude(a, weight, mark({{0, 2, 1, 6}}, a.extents())), 3);  // of 2, 3, 5
  EXPECT_EQ(median_amplitude(a, weight, {}), 2);                                 // of 0, 1, 2, 3, 5
  EXPECT_EQ(median_amplitude(a, Map({1, 6}), {}), 0);
}

}  // namespace
}  // namespace ptychoflow::phase
