#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "core/base/units.hpp"
#include "core/tomo/iterative.hpp"

namespace ptychoflow::tomo {
namespace {

using Plane = device::Array<float, 2>;

constexpr Index n = 40;

Plane specimen() {
  Plane p({n, n});
  for (Index y = 0; y < n; ++y) {
    for (Index x = 0; x < n; ++x) {
      const double r = std::hypot(static_cast<double>(x) - 24, static_cast<double>(y) - 17);
      p(y, x) = r < 10 ? (r < 4 ? 2.0F : 1.0F) : 0.0F;
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

Plane project(const Plane& slice, const ParallelBeam& beam) {
  Plane s({static_cast<Index>(beam.angle_rad.size()), n + 2});
  forward_project(slice, beam, s);
  return s;
}

double distance(const Plane& a, const Plane& b) {
  double error = 0, all = 0;
  for (Index i = 0; i < a.size(); ++i) {
    error += std::pow(static_cast<double>(a.data()[i] - b.data()[i]), 2);
    all += std::pow(static_cast<double>(b.data()[i]), 2);
  }
  return std::sqrt(error / all);
}

TEST(Iterative, BothComeToTheSpecimenFromManyAngles) {
  const Plane truth = specimen();
  const ParallelBeam beam = beam_of(60);
  const Plane sinogram = project(truth, beam);
  const IterativeReconstruction solver(beam, n + 2, n);
  Plane sirt({n, n}), positive({n, n}), cgls({n, n});
  solver.sirt(sinogram, 100, Values::any, sirt);
  solver.sirt(sinogram, 100, Values::not_negative, positive);
  solver.cgls(sinogram, 30, cgls);
  // What stays away is the sharp rim, which comes last: sampled rays hardly see it.
  EXPECT_LT(distance(sirt, truth), 0.12);
  EXPECT_LT(distance(positive, truth), distance(sirt, truth));
  EXPECT_LT(distance(cgls, truth), 0.08);
}

TEST(Iterative, ResidualsFallWithEveryIteration) {
  Plane truth = specimen();
  const ParallelBeam beam = beam_of(12);
  Plane sinogram = project(truth, beam);
  std::mt19937 random(3);
  std::normal_distribution<float> noise(0, 0.3F);
  for (float& v : sinogram) v += noise(random);
  const IterativeReconstruction solver(beam, n + 2, n);
  double sirt = 1, cgls = 1;  // the distance of nothing
  for (int iterations = 1; iterations < 8; ++iterations) {
    Plane slice({n, n});
    solver.sirt(sinogram, iterations, Values::any, slice);
    EXPECT_LT(distance(project(slice, beam), sinogram), sirt);
    sirt = distance(project(slice, beam), sinogram);
    solver.cgls(sinogram, iterations, slice);
    EXPECT_LT(distance(project(slice, beam), sinogram), cgls);
    cgls = distance(project(slice, beam), sinogram);
    EXPECT_LE(cgls, sirt + 1e-6);  // optimal among all such sums of steps
  }
}

TEST(Iterative, PositivityCutsWhatIsBelowZero) {
  Plane negative = specimen();
  for (float& v : negative) v = -v;
  const ParallelBeam beam = beam_of(20);
  const Plane sinogram = project(negative, beam);
  const IterativeReconstruction solver(beam, n + 2, n);
  Plane any({n, n}), cut({n, n});
  solver.sirt(sinogram, 20, Values::any, any);
  solver.sirt(sinogram, 20, Values::not_negative, cut);
  EXPECT_LT(*std::min_element(any.begin(), any.end()), -0.8F);
  EXPECT_EQ(*std::min_element(cut.begin(), cut.end()), 0.0F);
}

TEST(Iterative, NothingGivesNothing) {
  const ParallelBeam beam = beam_of(5);
  const Plane sinogram({5, n + 2});
  const IterativeReconstruction solver(beam, n + 2, n);
  Plane slice({n, n});
  for (float& v : slice) v = 7;
  solver.cgls(sinogram, 5, slice);
  for (const float v : slice) EXPECT_EQ(v, 0);
  solver.sirt(sinogram, 0, Values::any, slice);
  for (const float v : slice) EXPECT_EQ(v, 0);
}

}  // namespace
}  // namespace ptychoflow::tomo
