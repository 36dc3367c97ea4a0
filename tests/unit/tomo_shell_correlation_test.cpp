#include "core/tomo/shell_correlation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/device/array.hpp"
#include "core/device/fft3d.hpp"
#include "core/tomo/soft_window.hpp"

namespace ptychoflow::tomo {
namespace {

using Volume = device::Array<float, 3>;

constexpr double radius = 0.95;

/// White, of variance `sigma`².
Volume noise(Extents<3> extents, double sigma, unsigned seed) {
  Volume v(extents);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, static_cast<float>(sigma));
  for (float& value : v) value = normal(random);
  return v;
}

Volume sum(const Volume& a, const Volume& b) {
  Volume s = Volume::copy_of(a);
  for (Index i = 0; i < s.size(); ++i) s.data()[i] += b.data()[i];
  return s;
}

/// The shell of a frequency of so many coefficients.
std::size_t shell_of(double f) { return static_cast<std::size_t>(f < 0.5 ? 0 : f < 2.5 ? 1 : std::lround(f) - 1); }

double cycles(Index i, Index n) { return static_cast<double>(2 * i > n ? i - n : i) / static_cast<double>(n); }

/// `v` with Fourier coefficients multiplied by filter(fz, fy, fx), in cycles a voxel.
template <class Filter>
Volume filtered(const Volume& v, const Filter& filter) {
  device::ThreadPool threads(1);
  device::RealVolume field(v.extents());
  const auto& n = v.extents();
  for (Index z = 0; z < n[0]; ++z) {
    for (Index y = 0; y < n[1]; ++y) std::copy_n(&v(z, y, 0), n[2], field.row(z, y));
  }
  const device::RealFft3d fft(n);
  fft.forward(field, threads);
  const auto spectrum = field.spectrum();
  for (Index z = 0; z < n[0]; ++z) {
    for (Index y = 0; y < n[1]; ++y) {
      for (Index x = 0; x < spectrum.extent(2); ++x)
        spectrum(z, y, x) *= static_cast<float>(filter(cycles(z, n[0]), cycles(y, n[1]), cycles(x, n[2])) /
                                                static_cast<double>(v.size()));
    }
  }
  fft.inverse(field, threads);
  Volume result(n);
  for (Index z = 0; z < n[0]; ++z) {
    for (Index y = 0; y < n[1]; ++y) std::copy_n(field.row(z, y), n[2], &result(z, y, 0));
  }
  return result;
}

ShellCorrelation correlate(const Volume& a, const Volume& b, std::array<double, 3> voxel_m = {1, 1, 1},
                           int threads = 2) {
  device::ThreadPool pool(threads);
  return shell_correlation(a, b, voxel_m, radius, pool);
}

/// How far correlations of `independent` coefficients, `expected` on average, may be off: four standard deviations
/// (1 − F²)/√n, and 0.01 for what the window smears from shell to shell.
double tolerance(double expected, double independent) {
  return 0.01 + 4 * (1 - expected * expected) / std::sqrt(std::max(independent, 1.0));
}

TEST(ShellCorrelation, TheSameVolumeTwiceIsResolvedToTheVoxel) {
  const Volume v = noise({20, 36, 48}, 1, 1);
  const auto shells = correlate(v, v, {2e-9, 2e-9, 2e-9});
  for (const double c : shells.curve.correlation) EXPECT_NEAR(c, 1, 1e-9);
  const Resolution r = resolution(shells.curve, FrcThreshold::half_bit);
  EXPECT_EQ(r.bound, ResolutionBound::better_than);
  EXPECT_EQ(r.half_period_m, 2e-9);
}

TEST(ShellCorrelation, ShellsAreInMetresAndReachTheCoarsestAxesNyquist) {
  const Volume v = noise({24, 32, 64}, 1, 1);
  const auto shells = correlate(v, v, {3e-9, 4e-9, 1e-9});  // a slice of 128 × 64 nm
  ASSERT_EQ(shells.curve.frequency_per_m.size(), 8u);       // 0, 2/64 nm … 8/64 nm
  EXPECT_EQ(shells.curve.frequency_per_m[0], 0);
  for (std::size_t s = 1; s < 8; ++s)
    EXPECT_NEAR(shells.curve.frequency_per_m[s], static_cast<double>(s + 1) / 64e-9, 1);
  EXPECT_EQ(shells.curve.finest_half_period_m, 4e-9);
}

TEST(ShellCorrelation, CountsTheWholeSpectrumOfFewAndOfManySlices) {
  for (const Index depth : {1, 5, 40}) {
    const Volume v = noise({depth, 17, 20}, 1, 1);
    const auto shells = correlate(v, v);
    EXPECT_EQ(shells.curve.correlation.size(), 8u);
    std::vector<double> expected(8);
    for (Index z = 0; z < depth; ++z) {
      for (Index y = 0; y < 17; ++y) {
        for (Index x = 0; x < 20; ++x) {
          const double f =
              std::sqrt(std::pow(cycles(z, depth), 2) + std::pow(cycles(y, 17), 2) + std::pow(cycles(x, 20), 2));
          const std::size_t shell = shell_of(f * 17);
          if (shell < 8) ++expected[shell];
        }
      }
    }
    EXPECT_EQ(shells.voxels, expected) << depth;
    for (std::size_t s = 0; s < 8; ++s) {
      EXPECT_LT(shells.curve.independent[s], shells.voxels[s]);
      EXPECT_GT(shells.curve.independent[s], 0.2 * shells.voxels[s]);  // ¾ of the depth and half of the circle's area
    }
  }
}

TEST(ShellCorrelation, IsTheSignalsShareOfEachShell) {
  const Extents<3> n = {40, 64, 56};
  const auto transfer = [](double fz, double fy, double fx) {
    return (1 + std::cos(2 * pi * fz)) * (1 + std::cos(2 * pi * fy)) * (1 + std::cos(2 * pi * fx)) / 8;
  };
  const Volume signal = filtered(noise(n, 1, 2), transfer);
  const double noise_power = 0.04;
  const auto shells = correlate(sum(signal, noise(n, 0.2, 3)), sum(signal, noise(n, 0.2, 4)));
  const std::size_t count = shells.voxels.size();
  ASSERT_EQ(count, 28u);
  std::vector<double> power(count);
  for (Index z = 0; z < n[0]; ++z) {
    for (Index y = 0; y < n[1]; ++y) {
      for (Index x = 0; x < n[2]; ++x) {
        const double fz = cycles(z, n[0]), fy = cycles(y, n[1]), fx = cycles(x, n[2]);
        const std::size_t shell = shell_of(std::sqrt(fz * fz + fy * fy + fx * fx) * 56);
        if (shell < count) power[shell] += std::pow(transfer(fz, fy, fx), 2) / shells.voxels[shell];
      }
    }
  }
  double lowest = 1;
  for (std::size_t s = 1; s < count; ++s) {
    const double snr = power[s] / noise_power, expected = snr / (1 + snr);
    EXPECT_NEAR(shells.curve.correlation[s], expected, tolerance(expected, shells.curve.independent[s])) << s;
    lowest = std::min(lowest, expected);
  }
  EXPECT_LT(lowest, 0.4) << "or nothing is told apart";
}

TEST(ShellCorrelation, FindsWhereTheSignalEnds) {
  const Extents<3> n = {40, 64, 64};
  const double cutoff = 0.25;
  const Volume signal = filtered(noise(n, 1, 5), [&](double fz, double fy, double fx) {
    return std::sqrt(fz * fz + fy * fy + fx * fx) < cutoff ? 1.0 : 0.0;
  });
  const auto shells = correlate(sum(signal, noise(n, 0.5, 6)), sum(signal, noise(n, 0.5, 7)), {1e-8, 1e-8, 1e-8});
  for (const FrcThreshold kind : {FrcThreshold::half_bit, FrcThreshold::one_bit, FrcThreshold::one_seventh}) {
    const Resolution r = resolution(shells.curve, kind);
    EXPECT_EQ(r.bound, ResolutionBound::measured);
    // The window smears over two shells of 1/64 each.
    EXPECT_NEAR(0.5e-8 / r.half_period_m, cutoff, 2.0 / 64);
  }
}

TEST(ShellCorrelation, NoiseAloneIsNotResolved) {
  const auto shells = correlate(noise({32, 32, 32}, 1, 8), noise({32, 32, 32}, 1, 9));
  for (std::size_t s = 1; s < shells.voxels.size(); ++s)
    EXPECT_NEAR(shells.curve.correlation[s], 0, tolerance(0, shells.curve.independent[s])) << s;
  EXPECT_EQ(resolution(shells.curve, FrcThreshold::half_bit).bound, ResolutionBound::worse_than);
}

TEST(ShellCorrelation, NeitherEdgesNorWhatLiesOutsideOfTheCircleCorrelate) {
  const Extents<3> n = {32, 32, 32};
  Volume a = noise(n, 1, 8), b = noise(n, 1, 9);
  std::mt19937 random(10);
  std::normal_distribution<float> rubbish(0, 50);
  for (Index z = 0; z < 32; ++z) {
    for (Index y = 0; y < 32; ++y) {
      for (Index x = 0; x < 32; ++x) {
        const bool corner = std::hypot(static_cast<double>(y) - 15.5, static_cast<double>(x) - 15.5) > 16;
        const float common = corner ? rubbish(random) : 20;  // a level that breaks off at top and bottom, too
        a(z, y, x) += common;
        b(z, y, x) += common;
      }
    }
  }
  const auto shells = correlate(a, b);
  for (std::size_t s = 1; s < shells.voxels.size(); ++s)
    EXPECT_NEAR(shells.curve.correlation[s], 0, tolerance(0, shells.curve.independent[s])) << s;
}

TEST(ShellCorrelation, DoesNotDependOnTheNumberOfThreads) {
  const Volume a = noise({13, 24, 20}, 1, 8), b = noise({13, 24, 20}, 1, 9);
  EXPECT_EQ(correlate(a, b, {1, 1, 1}, 1).curve.correlation, correlate(a, b, {1, 1, 1}, 3).curve.correlation);
}

TEST(ShellCorrelation, RefusesSmallSlicesAndNothing) {
  const auto refusal = [](const Volume& v) -> std::string {
    try {
      correlate(v, v);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::data);
      return e.what();
    }
    return "nothing thrown";
  };
  EXPECT_EQ(refusal(noise({40, 15, 40}, 1, 1)),
            "Fourier shell correlation needs slices of at least 16 × 16 voxels, and got 40 of 15 × 40: reconstruct a "
            "larger part of the projections");
  EXPECT_NE(refusal(Volume({16, 16, 16})).find("a volume without contrast: nothing was reconstructed"),
            std::string::npos);
  EXPECT_THROW(correlate(Volume({16, 16, 16}), Volume({16, 16, 17})), Error);
}

TEST(ShellCorrelation, HalfABitAsVanHeelAndSchatzHaveIt) {
  for (const double n : {1.0, 10.0, 100.0, 1e6}) {
    const double root = std::sqrt(n);
    EXPECT_NEAR(frc_threshold(FrcThreshold::half_bit, n), (0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root), 1e-4);
    EXPECT_NEAR(frc_threshold(FrcThreshold::one_bit, n), (0.5 + 2.4142 / root) / (1.5 + 1.4142 / root), 1e-4);
  }
}

TEST(ShellCorrelation, ThresholdAgainstTheTruthIsOfAsMuchInformation) {
  // Signal-to-noise ratio s in a half: halves correlate as s/(1+s), the whole and the truth as √(2s/(1+2s)).
  for (const double s : {0.1, 0.2071, 3.0}) {
    EXPECT_NEAR(thresholds_against_truth({1, s / (1 + s)})[1], std::sqrt(2 * s / (1 + 2 * s)), 1e-12);
  }
}

TEST(SoftWindow, IsOneInsideAndFallsToNothing) {
  const SoftWindow w({16, 40, 20}, 0.8);
  EXPECT_EQ(w(8, 20, 10), 1);
  EXPECT_EQ(w(4, 20, 10), 1);                    // from a quarter of the depth on
  EXPECT_NEAR(w(0, 20, 10), 0.038, 1e-3);        // ½ − ½ cos(π/8)
  EXPECT_EQ(w(8, 20, 1), 0);                     // 0.85 of the half width from the middle
  EXPECT_EQ(w(8, 3, 10), 0);                     // as of the height
  EXPECT_NEAR(w(8, 33, 10), w(8, 6, 9), 1e-12);  // symmetric
  EXPECT_GT(w(8, 33, 10), 0);
  EXPECT_LT(w(8, 33, 10), 1);
  EXPECT_EQ(SoftWindow({1, 20, 20}, 1)(0, 10, 10), 1) << "one slice has no edges above and below";
}

}  // namespace
}  // namespace ptychoflow::tomo
