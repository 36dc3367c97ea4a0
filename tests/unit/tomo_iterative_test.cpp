#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "core/tomo/iterative.hpp"
#include "tests/support/slice_kernels.hpp"

namespace ptychoflow::tomo {
namespace {

using test::Stack;

constexpr Index n = 40;

/// @param value of its ring; there is more in the middle
Stack specimen(float value = 1) {
  Stack p({1, n, n});
  for (Index y = 0; y < n; ++y) {
    for (Index x = 0; x < n; ++x) {
      const double r = std::hypot(static_cast<double>(x) - 24, static_cast<double>(y) - 17);
      p(0, y, x) = r < 10 ? (r < 4 ? 2 * value : value) : 0.0F;
    }
  }
  return p;
}

ParallelBeam beam_of(Index angles) {
  ParallelBeam beam{{}, 20.4};
  for (Index a = 0; a < angles; ++a)
    beam.angle_rad.push_back(pi * static_cast<double>(a) / static_cast<double>(angles));
  return beam;
}

double distance(const Stack& a, const Stack& b) {
  double error = 0, all = 0;
  for (Index i = 0; i < a.size(); ++i) {
    error += std::pow(static_cast<double>(a.data()[i] - b.data()[i]), 2);
    all += std::pow(static_cast<double>(b.data()[i]), 2);
  }
  return std::sqrt(error / all);
}

class Iterative : public test::OnEveryDevice {
 protected:
  std::unique_ptr<SliceKernels> kernels_of(Index angles) { return kernels({beam_of(angles), n + 2, n}); }

  static Stack sirt(SliceKernels& kernels, const Stack& sinograms, int iterations, Values values, float scale = 1) {
    Stack slices = full_of_seven(sinograms.extent(0));
    tomo::sirt(kernels, sinograms, scale, iterations, values, slices);
    return slices;
  }
  static Stack cgls(SliceKernels& kernels, const Stack& sinograms, int iterations, float scale = 1) {
    Stack slices = full_of_seven(sinograms.extent(0));
    tomo::cgls(kernels, sinograms, scale, iterations, slices);
    return slices;
  }

 private:
  static Stack full_of_seven(Index count) {
    Stack slices({count, n, n});
    for (float& v : slices) v = 7;
    return slices;
  }
};
PTYCHOFLOW_ON_EVERY_DEVICE(Iterative);

TEST_P(Iterative, BothComeToTheSpecimenFromManyAngles) {
  const Stack truth = specimen();
  const auto k = kernels_of(60);
  const Stack sinogram = projected(*k, truth);
  const Stack plain = sirt(*k, sinogram, 100, Values::any);
  // What stays away is the sharp rim, which comes last: sampled rays hardly see it.
  EXPECT_LT(distance(plain, truth), 0.12);
  EXPECT_LT(distance(sirt(*k, sinogram, 100, Values::not_negative), truth), distance(plain, truth));
  EXPECT_LT(distance(cgls(*k, sinogram, 30), truth), 0.08);
}

TEST_P(Iterative, ResidualsFallWithEveryIteration) {
  const auto k = kernels_of(12);
  Stack sinogram = projected(*k, specimen());
  std::mt19937 random(3);
  std::normal_distribution<float> noise(0, 0.3F);
  for (float& v : sinogram) v += noise(random);
  double by_sirt = 1, by_cgls = 1;  // the distance of nothing
  for (int iterations = 1; iterations < 8; ++iterations) {
    const double s = distance(projected(*k, sirt(*k, sinogram, iterations, Values::any)), sinogram);
    const double c = distance(projected(*k, cgls(*k, sinogram, iterations)), sinogram);
    EXPECT_LT(s, by_sirt);
    EXPECT_LT(c, by_cgls);
    EXPECT_LE(c, s + 1e-6);  // optimal among all such sums of steps
    by_sirt = s, by_cgls = c;
  }
}

TEST_P(Iterative, SlicesSideBySideAreAsAlone) {
  const auto k = kernels_of(15);
  // The first is nothing, so that cgls has nothing to do while others go on.
  Stack many({19, 15, n + 2});
  for (Index s = 1; s < many.extent(0); ++s) {
    const Stack one = projected(*k, specimen(static_cast<float>(s)));
    std::copy_n(one.data(), one.size(), many[s].data());
  }
  const Stack by_sirt = sirt(*k, many, 10, Values::not_negative, 0.5), by_cgls = cgls(*k, many, 10, 0.5);
  for (const Index s : {0, 1, 15, 16, 18}) {
    Stack one({1, 15, n + 2});
    std::copy_n(many[s].data(), one.size(), one.data());
    const Stack sirt_alone = sirt(*k, one, 10, Values::not_negative, 0.5), cgls_alone = cgls(*k, one, 10, 0.5);
    for (Index i = 0; i < sirt_alone.size(); ++i) {
      ASSERT_EQ(by_sirt[s].data()[i], sirt_alone.data()[i]) << s << ' ' << i;
      ASSERT_EQ(by_cgls[s].data()[i], cgls_alone.data()[i]) << s << ' ' << i;
    }
  }
}

TEST_P(Iterative, PositivityCutsWhatIsBelowZero) {
  const auto k = kernels_of(20);
  const Stack sinogram = projected(*k, specimen(-1));
  const Stack any = sirt(*k, sinogram, 20, Values::any), cut = sirt(*k, sinogram, 20, Values::not_negative);
  EXPECT_LT(*std::min_element(any.begin(), any.end()), -0.8F);
  EXPECT_EQ(*std::min_element(cut.begin(), cut.end()), 0.0F);
}

TEST_P(Iterative, NothingGivesNothing) {
  const auto k = kernels_of(5);
  const Stack sinogram({1, 5, n + 2});
  for (const float v : cgls(*k, sinogram, 5)) EXPECT_EQ(v, 0);
  for (const float v : sirt(*k, sinogram, 0, Values::any)) EXPECT_EQ(v, 0);
}

}  // namespace
}  // namespace ptychoflow::tomo
