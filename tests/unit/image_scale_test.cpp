// Round numbers for axes and scale bars.
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.hpp"
#include "core/image/scale.hpp"

namespace ptychoflow::image {
namespace {

std::vector<std::string> labels(const std::vector<Tick>& ticks) {
  std::vector<std::string> all;
  for (const Tick& t : ticks) all.push_back(t.label);
  return all;
}

using Labels = std::vector<std::string>;

TEST(Ticks, AreRoundAndInside) {
  EXPECT_EQ(labels(linear_ticks({0, 60}, 8)), (Labels{"0", "10", "20", "30", "40", "50", "60"}));
  EXPECT_EQ(labels(linear_ticks({-0.79, 0.51}, 8)), (Labels{"−0.6", "−0.4", "−0.2", "0.0", "0.2", "0.4"}));
  EXPECT_EQ(labels(linear_ticks({0.97, 1.052}, 5)), (Labels{"0.98", "1.00", "1.02", "1.04"}));
  EXPECT_EQ(labels(linear_ticks({-3.14, 3.14}, 7)), (Labels{"−3", "−2", "−1", "0", "1", "2", "3"}));
  EXPECT_EQ(labels(linear_ticks({0, 2.5e-9}, 3)), (Labels{"0.000000000", "0.000000001", "0.000000002"}));
}

TEST(Ticks, NeverMoreThanAskedFor) {
  for (double width = 1e-3; width < 1e3; width *= 1.37) {
    for (int count = 2; count < 10; ++count) {
      const auto ticks = linear_ticks({0.3 * width, 1.3 * width}, count);
      EXPECT_LE(ticks.size(), static_cast<std::size_t>(count)) << width;
      EXPECT_GE(ticks.size(), 1u) << width;
      for (const Tick& t : ticks) EXPECT_TRUE(t.value >= 0.299 * width && t.value <= 1.301 * width) << t.value;
    }
  }
}

TEST(Ticks, NeedARange) {
  EXPECT_THROW(linear_ticks({1, 1}, 4), Error);
  EXPECT_THROW(linear_ticks({0, NAN}, 4), Error);
}

TEST(Ticks, Decades) {
  EXPECT_EQ(labels(decade_ticks({1e-3, 1}, 7)), (Labels{"10^−3", "10^−2", "10^−1", "1"}));
  EXPECT_EQ(labels(decade_ticks({2e-3, 50}, 7)), (Labels{"10^−2", "10^−1", "1", "10^1"}));
  EXPECT_LE(decade_ticks({1e-16, 1}, 7).size(), 7u);
}

TEST(ScaleBar, IsRoundAndNamesItsUnit) {
  const ScaleBar micro = scale_bar(12e-6);
  EXPECT_NEAR(micro.length_m, 2e-6, 1e-18);
  EXPECT_EQ(micro.label, "2 µm");
  EXPECT_EQ(scale_bar(1.7e-6).label, "500 nm");
  EXPECT_EQ(scale_bar(3.4e-6).label, "1 µm");
  EXPECT_EQ(scale_bar(1e-3).label, "200 µm");
  EXPECT_EQ(scale_bar(0.01).label, "2 mm");
  EXPECT_EQ(scale_bar(1e-9).label, "200 pm");
  EXPECT_EQ(scale_bar(10e-6, 0.2).label, "2 µm");  // exactly a fifth still fits
  EXPECT_THROW(scale_bar(0), Error);
}

TEST(ScaleBar, FitsItsShare) {
  for (double width = 1e-9; width < 1e-2; width *= 1.23) {
    const double length = scale_bar(width).length_m;
    EXPECT_LE(length, 0.3 * width * (1 + 1e-6));
    EXPECT_GT(length, 0.3 * width / 2.5 * (1 - 1e-6));
  }
}

TEST(LengthText, ThreeDigits) {
  EXPECT_EQ(length_text(8.0432e-9), "8.04 nm");
  EXPECT_EQ(length_text(29e-9), "29 nm");
  EXPECT_EQ(length_text(75e-6), "75 µm");
}

TEST(RobustRange, LeavesOutTheFewAndWhatIsNoNumber) {
  std::vector<float> values{NAN, 1e9f, -1e9f};
  for (int i = 0; i <= 1000; ++i) values.push_back(static_cast<float>(i));
  const Range r = robust_range(values, 0.01);
  EXPECT_NEAR(r.low, 10, 1.5);
  EXPECT_NEAR(r.high, 990, 1.5);
  const Range constant = robust_range(std::vector<float>(5, 3.0f), 0.01);
  EXPECT_LT(constant.low, 3);
  EXPECT_GT(constant.high, 3);
  const Range nothing = robust_range(std::vector<float>{NAN}, 0.01);
  EXPECT_EQ(nothing.low, 0);
  EXPECT_EQ(nothing.high, 1);
}

}  // namespace
}  // namespace ptychoflow::image
