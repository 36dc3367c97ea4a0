// Sums without rounding.
#include "core/base/exact_sum.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace ptychoflow {
namespace {

double sum_of(const std::vector<double>& values) {
  ExactSum sum;
  for (const double v : values) sum += v;
  return sum.value();
}

TEST(ExactSum, HoldsWhatADoubleWouldLose) {
  EXPECT_EQ(sum_of({1e300, 1, -1e300}), 1);
  EXPECT_EQ(sum_of({1, 0x1p-60, -1}), 0x1p-60);
  EXPECT_EQ(sum_of({5e-324, 5e-324}), 1e-323);
  EXPECT_EQ(sum_of({-3, 1.5, -0.25}), -1.75);
  EXPECT_EQ(sum_of({1e-300, -1e300, -1e-300}), -1e300);
  EXPECT_EQ(sum_of({}), 0);
}

TEST(ExactSum, IsTheSameInAnyOrderAndGrouping) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  std::uniform_int_distribution<int> exponent(-300, 300);
  std::vector<double> values(1000);
  for (double& v : values) v = std::ldexp(normal(random), exponent(random));
  const double expected = sum_of(values);
  for (int time = 0; time < 20; ++time) {
    std::ranges::shuffle(values, random);
    EXPECT_EQ(sum_of(values), expected);
    ExactSum total;
    for (std::size_t first = 0; first < values.size(); first += 100) {
      ExactSum part;
      for (std::size_t i = first; i < first + 100; ++i) part += values[i];
      total += part;
    }
    EXPECT_EQ(total.value(), expected);
  }
}

TEST(ExactSum, AgreesWithALongDoubleSum) {
  std::mt19937 random(4);
  std::uniform_real_distribution<double> unit(0, 1);
  ExactSum sum;
  long double expected = 0;
  for (int i = 0; i < 100000; ++i) {
    const double v = unit(random);
    sum += v;
    expected += v;
  }
  EXPECT_NEAR(sum.value(), static_cast<double>(expected), 1e-10);
}

TEST(ExactSum, KeepsTheSizeAndSignOfAnyNumber) {
  for (const double v : {1.0, -1.0, 1e308, -1e308, 5e-324, -5e-324, 0x1.fffffffffffffp-10, -123.456}) {
    EXPECT_DOUBLE_EQ(sum_of({v}), v);
  }
}

TEST(ExactSum, WhatIsNotFiniteGivesNaN) {
  EXPECT_TRUE(std::isnan(sum_of({1, INFINITY})));
  EXPECT_TRUE(std::isnan(sum_of({NAN, 1})));
}

}  // namespace
}  // namespace ptychoflow
