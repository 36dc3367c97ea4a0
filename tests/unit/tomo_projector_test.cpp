#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/device/array.hpp"
#include "core/tomo/projector.hpp"

namespace ptychoflow::tomo {
namespace {

using Plane = device::Array<float, 2>;

double dot(const Plane& a, const Plane& b) {
  double sum = 0;
  for (Index i = 0; i < a.size(); ++i) sum += static_cast<double>(a.data()[i]) * static_cast<double>(b.data()[i]);
  return sum;
}

Plane noise(Index ny, Index nx, unsigned seed) {
  Plane p({ny, nx});
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (float& v : p) v = normal(random);
  return p;
}

double radians(double degrees) { return degrees * pi / 180; }

TEST(Projector, BackProjectionIsTheAdjoint) {
  ParallelBeam beam;
  for (double degrees : {0.0, 13.0, 45.0, 77.7, 90.0, 135.0, 179.0, 200.0, 315.0, -61.0})
    beam.angle_rad.push_back(radians(degrees));
  for (const double axis_px : {15.5, 9.3, 40.0}) {
    beam.axis_px = axis_px;
    const Plane x = noise(23, 30, 1), y = noise(10, 32, 2);
    Plane ax({10, 32}), aty({23, 30});
    forward_project(x, beam, ax);
    back_project_adjoint(y, beam, aty);
    // Both sum some 10 000 products in single precision.
    EXPECT_NEAR(dot(ax, y), dot(x, aty), 1e-5 * std::sqrt(dot(ax, ax) * dot(y, y))) << axis_px;
  }
}

TEST(Projector, PixelsAreSeenAtTheirPlaceFromAllSides) {
  // Slice 5 × 5: pixel (iy, ix) = (1, 4) is at u = 2, v = −1. The axis is at 3.
  Plane slice({5, 5});
  slice(1, 4) = 2;
  Plane sinogram({4, 8});
  forward_project(slice, {{0, pi / 2, pi, 3 * pi / 2}, 3}, sinogram);
  for (Index a = 0; a < 4; ++a) {
    const Index expected[] = {5, 2, 1, 4};  // 3 + u, 3 + v, 3 − u, 3 − v
    for (Index x = 0; x < 8; ++x) EXPECT_NEAR(sinogram(a, x), x == expected[a] ? 2 : 0, 1e-5) << a << ' ' << x;
  }
}

TEST(Projector, ObliqueRaysSplitAPixelBetweenNeighbours) {
  // At 45° a pixel at u = v = 1 is seen at √2: ray 1 crosses its row 1 − (√2 − 1)√2 … of a pixel away, times path √2.
  Plane slice({3, 3});
  slice(2, 2) = 1;
  Plane sinogram({1, 9});
  forward_project(slice, {{pi / 4}, 4}, sinogram);
  const double root2 = std::sqrt(2.0);
  for (Index x = 0; x < 9; ++x) {
    const double away = std::abs(static_cast<double>(x - 4) - root2) * root2;
    EXPECT_NEAR(sinogram(0, x), std::max(0.0, 1 - away) * root2, 1e-5) << x;
  }
}

TEST(Projector, ProjectionsOfADiscAreItsChords) {
  constexpr Index n = 128;
  const double radius = 40, u0 = 11, v0 = -7, axis_px = 70.25;
  Plane disc({n, n});
  for (Index y = 0; y < n; ++y) {
    for (Index x = 0; x < n; ++x) {  // its edge a pixel wide, so that its area is right
      const double r = std::hypot(static_cast<double>(x) - 63.5 - u0, static_cast<double>(y) - 63.5 - v0);
      disc(y, x) = static_cast<float>(std::clamp(radius - r + 0.5, 0.0, 1.0));
    }
  }
  ParallelBeam beam{{}, axis_px};
  for (int a = 0; a < 24; ++a) beam.angle_rad.push_back(radians(15.0 * a + 4));
  Plane sinogram({24, 144});
  forward_project(disc, beam, sinogram);
  for (Index a = 0; a < 24; ++a) {
    const double t = beam.angle_rad[static_cast<std::size_t>(a)];
    double area = 0;
    for (const float v : View<const float, 2>(sinogram)[a]) area += static_cast<double>(v);
    EXPECT_NEAR(area, pi * radius * radius, 0.002 * pi * radius * radius) << a;  // edges even out
    for (Index x = 0; x < 144; ++x) {
      const double d = static_cast<double>(x) - axis_px - u0 * std::cos(t) - v0 * std::sin(t);
      const double chord = 2 * std::sqrt(std::max(0.0, radius * radius - d * d));
      // Each end of a chord lies on an edge made of pixels, known to a third of one; a ray half a pixel inside is 2√40
      // long.
      const double edge = std::abs(std::abs(d) - radius) < 3 ? 6.4 : 0.67;
      EXPECT_NEAR(sinogram(a, x), chord, edge) << a << ' ' << x;
    }
  }
}

TEST(Projector, RaysBesideTheSliceSeeNothing) {
  Plane slice({4, 4});
  std::fill(slice.begin(), slice.end(), 1.0F);
  Plane sinogram({2, 6});
  forward_project(slice, {{0.0, 1.0}, -100}, sinogram);
  for (const float v : sinogram) EXPECT_EQ(v, 0);
}

TEST(Projector, OneRowAnAngle) {
  Plane slice({4, 4}), sinogram({2, 6});
  EXPECT_THROW(forward_project(slice, {{0.0}, 2}, sinogram), Error);
  EXPECT_THROW(back_project_adjoint(sinogram, {{0.0}, 2}, slice), Error);
}

}  // namespace
}  // namespace ptychoflow::tomo
