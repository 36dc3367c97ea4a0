// The area worth showing, and the phase ramp that ptychography cannot know.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/base/units.hpp"
#include "core/image/field.hpp"

namespace ptychoflow::image {
namespace {

TEST(LitArea, IsTheBoxAroundEnoughLight) {
  std::vector<float> c(5 * 6, 0.0f);
  c[1 * 6 + 2] = 1;
  c[3 * 6 + 3] = 0.5f;
  c[4 * 6 + 5] = 0.05f;  // too little
  const LitArea lit = lit_area(View<const float, 2>(c.data(), {5, 6}));
  EXPECT_EQ(lit.box, (Box{1, 2, 3, 2}));
  EXPECT_TRUE(lit.at(1, 2));
  EXPECT_TRUE(lit.at(3, 3));
  EXPECT_FALSE(lit.at(2, 2));
  EXPECT_FALSE(lit.at(4, 5));
}

TEST(LitArea, WithoutLightIsEverything) {
  const std::vector<float> c(12, 0.0f);
  const LitArea lit = lit_area(View<const float, 2>(c.data(), {3, 4}));
  EXPECT_EQ(lit.box, (Box{0, 0, 3, 4}));
  EXPECT_TRUE(lit.at(2, 3));
}

TEST(LitArea, SmoothsTheRimOfLargeArrays) {
  const Index n = 240;
  std::vector<float> c(static_cast<std::size_t>(n * n), 0.0f);
  for (Index y = 60; y < 180; ++y) {
    for (Index x = 60; x < 180; ++x) c[static_cast<std::size_t>(y * n + x)] = 1;
  }
  c[static_cast<std::size_t>(120 * n + 120)] = 0;  // a hole
  c[static_cast<std::size_t>(20 * n + 20)] = 1;    // a speck
  const LitArea lit = lit_area(View<const float, 2>(c.data(), {n, n}), 0.3f);
  EXPECT_TRUE(lit.at(120, 120));
  EXPECT_FALSE(lit.at(20, 20));
  EXPECT_NEAR(static_cast<double>(lit.box.y), 60, 2);
  EXPECT_NEAR(static_cast<double>(lit.box.height), 120, 4);
}

struct Specimen {
  Index height, width;
  std::vector<Complex<float>> object;
  std::vector<float> coverage;
  View<const Complex<float>, 2> object_view() const { return {object.data(), {height, width}}; }
  View<const float, 2> coverage_view() const { return {coverage.data(), {height, width}}; }
};

/// Bars of −0.9 rad at one side only, noise of 0.1 rad, dark borders of random phase, and a plane on top.
Specimen bars_under(const PhasePlane& plane) {
  Specimen s{150, 130, {}, {}};
  std::mt19937 random(7);
  std::normal_distribution<double> noise(0, 0.1);
  std::uniform_real_distribution<double> any(-pi, pi);
  for (Index y = 0; y < s.height; ++y) {
    for (Index x = 0; x < s.width; ++x) {
      const bool dark = y < 10 || x < 12 || y >= 140 || x >= 118;
      const double bar = x > 70 && (y / 12) % 2 == 0 ? -0.9 : 0.0;
      s.object.push_back(polar(1.0f, static_cast<float>(dark ? any(random) : bar + noise(random) + plane.at(y, x))));
      s.coverage.push_back(dark ? 0.0f : 1.0f);
    }
  }
  return s;
}

TEST(PhasePlane, ARampThatWrapsIsFoundDespiteAOneSidedSample) {
  for (const auto& [slope_y, slope_x] : {std::pair{0.0, 0.0}, {0.11, -0.07}, {-0.4, 0.9}}) {
    const PhasePlane truth{1.0, slope_y, slope_x};
    const Specimen s = bars_under(truth);
    const LitArea lit = lit_area(s.coverage_view());
    const PhasePlane found = fit_phase_plane(s.object_view(), s.coverage_view(), lit);
    // A plain fit would lean by more than half of the bars' 0.9 rad; what is left here is 0.05 rad across the field.
    EXPECT_NEAR(found.slope_y_rad, slope_y, 0.05 / 130);
    EXPECT_NEAR(found.slope_x_rad, slope_x, 0.05 / 106);

    const Map flat = phase_map(s.object_view(), lit, found, 1);
    // Bars and gaps lie 0.9 rad apart, at the far side as at the near one.
    const auto mean_of_row = [&](Index y) {
      double sum = 0;
      for (Index x = 75; x < 110; ++x) sum += flat.at(y - lit.box.y, x - lit.box.x) / 35;
      return sum;
    };
    EXPECT_NEAR(mean_of_row(30) - mean_of_row(18), -0.9, 0.1);
    EXPECT_NEAR(mean_of_row(126) - mean_of_row(138), -0.9, 0.1);
    double mean = 0;
    for (float v : flat.values) mean += v;
    EXPECT_NEAR(mean / static_cast<double>(flat.values.size()), 0, 0.06);  // circular mean, nearly the mean
  }
}

TEST(Map, AveragesTheLitPixelsOfABin) {
  const std::vector<Complex<float>> o{{1, 0}, {0, 3}, {5, 0}, {2, 0}, {0, -2}, {7, 0}};
  const std::vector<float> c{1, 1, 1, 1, 1, 0};
  const View<const Complex<float>, 2> object(o.data(), {2, 3});
  const LitArea lit = lit_area(View<const float, 2>(c.data(), {2, 3}));
  const Map amplitude = amplitude_map(object, lit, 2);
  ASSERT_EQ(amplitude.height, 1);
  ASSERT_EQ(amplitude.width, 2);
  EXPECT_FLOAT_EQ(amplitude.at(0, 0), 2);
  EXPECT_FLOAT_EQ(amplitude.at(0, 1), 5);
  const Map phase = phase_map(object, lit, {}, 2);
  EXPECT_FLOAT_EQ(phase.at(0, 0), std::atan2(1.0f, 3.0f));  // of 1 + 3i + 2 − 2i
  EXPECT_FLOAT_EQ(phase.at(0, 1), 0);
  const Map single = phase_map(object, lit, {0.5, 0, 0}, 1);
  EXPECT_FLOAT_EQ(single.at(0, 1), static_cast<float>(pi / 2 - 0.5));
  EXPECT_TRUE(std::isnan(single.at(1, 2)));
}

}  // namespace
}  // namespace ptychoflow::image
