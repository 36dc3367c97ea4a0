#include "core/device/fft3d.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/base/error.hpp"
#include "core/base/units.hpp"

namespace ptychoflow::device {
namespace {

RealVolume random_volume(Extents<3> extents) {
  RealVolume v(extents);
  std::mt19937 random(5);
  std::uniform_real_distribution<float> unit(-1, 1);
  for (Index z = 0; z < extents[0]; ++z) {
    for (Index y = 0; y < extents[1]; ++y) std::generate_n(v.row(z, y), extents[2], [&] { return unit(random); });
  }
  return v;
}

/// The sum itself at one frequency.
Complex<double> coefficient(const RealVolume& v, const Extents<3>& q) {
  Complex<double> sum{};
  const auto& n = v.extents();
  for (Index z = 0; z < n[0]; ++z) {
    for (Index y = 0; y < n[1]; ++y) {
      for (Index x = 0; x < n[2]; ++x) {
        const double turn = static_cast<double>(q[0] * z) / static_cast<double>(n[0]) +
                            static_cast<double>(q[1] * y) / static_cast<double>(n[1]) +
                            static_cast<double>(q[2] * x) / static_cast<double>(n[2]);
        sum += static_cast<double>(v.row(z, y)[x]) * polar(1.0, -2 * pi * turn);
      }
    }
  }
  return sum;
}

class RealFft : public testing::TestWithParam<Extents<3>> {};

TEST_P(RealFft, IsTheSumWithKernelMinusI) {
  const RealVolume v = random_volume(GetParam());
  RealVolume f = random_volume(GetParam());
  ThreadPool threads(2);
  RealFft3d(GetParam()).forward(f, threads);
  const auto spectrum = f.spectrum();
  ASSERT_EQ(spectrum.extents(), (Extents<3>{GetParam()[0], GetParam()[1], GetParam()[2] / 2 + 1}));
  for (Index z = 0; z < spectrum.extent(0); ++z) {
    for (Index y = 0; y < spectrum.extent(1); ++y) {
      for (Index x = 0; x < spectrum.extent(2); ++x) {
        const Complex<double> expected = coefficient(v, {z, y, x});
        EXPECT_NEAR(spectrum(z, y, x).re, expected.re, 1e-5);  // rounding of floats, of sums of some 300
        EXPECT_NEAR(spectrum(z, y, x).im, expected.im, 1e-5);
      }
    }
  }
}

TEST_P(RealFft, InverseUndoesForwardTimesTheSizeForAnyThreads) {
  const RealVolume v = random_volume(GetParam());
  RealVolume one = random_volume(GetParam()), three = random_volume(GetParam());
  const RealFft3d fft(GetParam());
  ThreadPool alone(1), team(3);
  fft.forward(one, alone);
  fft.inverse(one, alone);
  fft.forward(three, team);
  fft.inverse(three, team);
  const auto& n = GetParam();
  const auto size = static_cast<float>(n[0] * n[1] * n[2]);
  for (Index z = 0; z < n[0]; ++z) {
    for (Index y = 0; y < n[1]; ++y) {
      for (Index x = 0; x < n[2]; ++x) {
        EXPECT_NEAR(one.row(z, y)[x] / size, v.row(z, y)[x], 1e-6);
        EXPECT_EQ(one.row(z, y)[x], three.row(z, y)[x]);
      }
    }
  }
}

// Odd and even sides; one without depth.
INSTANTIATE_TEST_SUITE_P(Sizes, RealFft,
                         testing::Values(Extents<3>{3, 5, 7}, Extents<3>{4, 6, 8}, Extents<3>{1, 9, 6},
                                         Extents<3>{5, 1, 1}));

TEST(RealVolume, HalfASpectrumStandsForAll) {
  for (const Index width : {6, 7}) {
    const RealVolume v({2, 2, width});
    Index all = 0;
    for (Index x = 0; x < v.spectrum().extent(2); ++x) all += v.stands_for(x);
    EXPECT_EQ(all, width);
  }
}

TEST(RealFft3d, RefusesOtherExtentsAndNone) {
  ThreadPool threads(1);
  RealVolume v({2, 3, 4});
  const RealFft3d fft({2, 3, 5});
  EXPECT_THROW(fft.forward(v, threads), Error);
  EXPECT_THROW(fft.inverse(v, threads), Error);
  EXPECT_THROW(RealFft3d({0, 3, 5}), Error);
}

}  // namespace
}  // namespace ptychoflow::device
