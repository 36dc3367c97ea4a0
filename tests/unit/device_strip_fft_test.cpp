// The transforms of the iteration, against the sum as it stands in long double, for every instruction set that this
// processor has.
#include "core/device/strip_fft.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <random>

#include "core/device/array.hpp"

namespace ptychoflow::device {
namespace {

std::vector<Simd> kinds() {
  std::vector<Simd> all;
  for (const Simd simd : {Simd::portable, Simd::avx2, Simd::avx512}) {
    if (simd <= best_simd()) all.push_back(simd);
  }
  return all;
}

template <class T>
Array<T, 2> random_strip(Index rows) {
  Array<T, 2> strip({rows, strip_row<T>});
  std::mt19937 random(static_cast<unsigned>(rows));
  std::uniform_real_distribution<T> unit(-1, 1);
  for (T& v : strip) v = unit(random);
  return strip;
}

/// ‖found − expected‖/‖expected‖ of one lane; `sign` of the exponent.
template <class T>
double error_of(const Array<T, 2>& found, const Array<T, 2>& source, const std::vector<Index>& of_row, int sign,
                Index lane) {
  const Index n = source.extent(0);
  std::vector<std::complex<long double>> turn;
  for (Index i = 0; i < n; ++i) {
    turn.push_back(
        std::polar(1.0L, sign * 2 * std::acos(-1.0L) * static_cast<long double>(i) / static_cast<long double>(n)));
  }
  long double difference = 0, size = 0;
  for (Index row = 0; row < n; ++row) {
    const Index k = of_row[static_cast<std::size_t>(row)];
    long double re = 0, im = 0;
    for (Index i = 0, at = 0; i < n; ++i, at = (at + k) % n) {
      const auto w = turn[static_cast<std::size_t>(at)];
      const long double a = source(i, lane), b = source(i, strip_lanes<T> + lane);
      re += a * w.real() - b * w.imag();
      im += a * w.imag() + b * w.real();
    }
    const long double d_re = found(row, lane) - re, d_im = found(row, strip_lanes<T> + lane) - im;
    difference += d_re * d_re + d_im * d_im;
    size += re * re + im * im;
  }
  return static_cast<double>(std::sqrt(difference / size));
}

template <class T>
class StripTransform : public ::testing::Test {
 public:
  static constexpr double tolerance = std::is_same_v<T, float> ? 8e-7 : 2e-15;

  void expect_sum(Index n, Simd simd) {
    const StripFft<T> fft(n, simd);
    const auto source = random_strip<T>(n);
    auto strip = Array<T, 2>::copy_of(source);
    fft.forward(strip.data());
    for (const Index lane : {n % strip_lanes<T>, strip_lanes<T> - 1}) {
      ASSERT_LT(error_of(strip, source, fft.frequency(), -1, lane), tolerance) << n << " points";
    }
    fft.inverse(strip.data());
    for (Index i = 0; i < strip.size(); ++i) {
      ASSERT_NEAR(strip.data()[i] / static_cast<T>(n), source.data()[i], 4 * tolerance) << n << " points, back";
    }
  }
};

using Precisions = ::testing::Types<float, double>;
TYPED_TEST_SUITE(StripTransform, Precisions);

TYPED_TEST(StripTransform, IsTheSumForEveryNumberOfPoints) {
  for (Index n = 1; n <= 512; ++n) this->expect_sum(n, best_simd());
}

TYPED_TEST(StripTransform, IsTheSumOnEveryInstructionSet) {
  for (const Simd simd : kinds()) {
    for (const Index n : {1, 2, 3, 5, 7, 8, 11, 13, 15, 17, 36, 47, 61, 101, 128, 188, 192, 200, 1021}) {
      this->expect_sum(n, simd);
    }
  }
}

TYPED_TEST(StripTransform, InverseTakesFrequenciesAsForwardLeavesThem) {
  using T = TypeParam;
  const StripFft<T> fft(60);
  Array<T, 2> strip({60, strip_row<T>});
  for (Index row = 0; row < 60; ++row) {  // frequency 7 alone, in every lane
    if (fft.frequency()[static_cast<std::size_t>(row)] != 7) continue;
    for (Index lane = 0; lane < strip_lanes<T>; ++lane) strip(row, lane) = 1;
  }
  fft.inverse(strip.data());
  for (Index i = 0; i < 60; ++i) {
    const double angle = 2 * std::acos(-1.0) * 7 * static_cast<double>(i) / 60;
    EXPECT_NEAR(strip(i, 3), std::cos(angle), 1e-6);
    EXPECT_NEAR(strip(i, strip_lanes<T> + 3), std::sin(angle), 1e-6);
  }
}

TYPED_TEST(StripTransform, TransposesTilesOnEveryInstructionSet) {
  using T = TypeParam;
  constexpr Index lanes = strip_lanes<T>;
  const auto tile = random_strip<T>(lanes);
  for (const Simd simd : kinds()) {
    Array<T, 2> turned({lanes, lanes});
    std::vector<const T*> rows;
    for (Index y = 0; y < lanes; ++y) rows.push_back(&tile(y, 0));
    StripFft<T>(1, simd).transpose(rows.data(), turned.data(), lanes);
    for (Index y = 0; y < lanes; ++y) {
      for (Index x = 0; x < lanes; ++x) ASSERT_EQ(turned(x, y), tile(y, x));
    }
  }
}

}  // namespace
}  // namespace ptychoflow::device
