// The transform for sides with a large prime factor, against the sum as it stands in long double.
#include "core/device/prime_fft.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <random>
#include <vector>

#include "core/device/array.hpp"

namespace ptychoflow::device {
namespace {

using Wide = std::complex<long double>;

/// DFT of `count` sequences: element i of sequence s at data[s·step + i·stride].
void plain_dft(std::vector<Wide>& data, Index n, Index stride, Index count, Index step, int sign) {
  std::vector<Wide> turn(static_cast<std::size_t>(n)), sum(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) {
    const long double angle = sign * 2 * std::acos(-1.0L) * static_cast<long double>(i) / static_cast<long double>(n);
    turn[static_cast<std::size_t>(i)] = {std::cos(angle), std::sin(angle)};
  }
  for (Index s = 0; s < count; ++s) {
    for (Index k = 0; k < n; ++k) {
      long double re = 0, im = 0;
      for (Index i = 0, at = 0; i < n; ++i, at = (at + k) % n) {
        const Wide a = data[static_cast<std::size_t>(s * step + i * stride)], w = turn[static_cast<std::size_t>(at)];
        re += a.real() * w.real() - a.imag() * w.imag();
        im += a.real() * w.imag() + a.imag() * w.real();
      }
      sum[static_cast<std::size_t>(k)] = {re, im};
    }
    for (Index k = 0; k < n; ++k)
      data[static_cast<std::size_t>(s * step + k * stride)] = sum[static_cast<std::size_t>(k)];
  }
}

/// ‖found − expected‖/‖expected‖ of a transform of random numbers.
template <class T>
double error_of(Index ny, Index nx, FftDirection direction) {
  Array<Complex<T>, 2> data({ny, nx});
  std::mt19937 random(static_cast<unsigned>(1000 * ny + nx));
  std::uniform_real_distribution<T> unit(-1, 1);
  std::vector<Wide> expected;
  for (auto& v : data) {
    v = {unit(random), unit(random)};
    expected.emplace_back(v.re, v.im);
  }
  const int sign = static_cast<int>(direction);
  plain_dft(expected, ny, nx, nx, 1, sign);
  plain_dft(expected, nx, 1, ny, nx, sign);
  PrimeFft2d<T>(ny, nx).transform(data.data(), direction);
  long double difference = 0, size = 0;
  for (Index i = 0; i < data.size(); ++i) {
    const Wide e = expected[static_cast<std::size_t>(i)];
    difference += std::norm(Wide(data.data()[i].re, data.data()[i].im) - e);
    size += std::norm(e);
  }
  return static_cast<double>(std::sqrt(difference / size));
}

TEST(PrimeFft, IsTheSumForEverySideThatItIsUsedFor) {
  int sides = 0;
  for (Index n = 16; n <= 512; ++n) {
    if (!prime_fft_is_better(n, n)) continue;
    ++sides;
    const FftDirection direction = n % 2 == 0 ? FftDirection::forward : FftDirection::inverse;
    ASSERT_LT(error_of<float>(n, 3, direction), 1e-6) << "columns of " << n;
    ASSERT_LT(error_of<double>(3, n, direction), 4e-15) << "rows of " << n;
  }
  EXPECT_GT(sides, 400);
}

TEST(PrimeFft, ServesOddShapesInBothDirections) {
  for (const auto& [ny, nx] : {std::pair<Index, Index>{188, 188}, {47, 61}, {1, 11}, {11, 1}, {17, 64}, {44, 2}}) {
    for (const auto direction : {FftDirection::forward, FftDirection::inverse}) {
      EXPECT_LT(error_of<float>(ny, nx, direction), 1e-6) << ny << 'x' << nx;
      EXPECT_LT(error_of<double>(ny, nx, direction), 2e-15) << ny << 'x' << nx;
    }
  }
}

TEST(PrimeFft, LeavesRoundSidesToFftw) {
  for (const Index n : {128, 192, 200, 210, 256, 500, 512}) EXPECT_FALSE(prime_fft_is_better(n, n)) << n;
  EXPECT_TRUE(prime_fft_is_better(188, 256));
  EXPECT_FALSE(prime_fft_is_better(1030, 1030));
}

}  // namespace
}  // namespace ptychoflow::device
