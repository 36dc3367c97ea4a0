#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/base/error.hpp"
#include "core/tomo/rays.hpp"
#include "tests/reference/projector.hpp"
#include "tests/support/slice_kernels.hpp"

namespace ptychoflow::tomo {
namespace {

using test::dot;
using test::Stack;

Stack noise(Extents<3> extents, unsigned seed) {
  Stack p(extents);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (float& v : p) v = normal(random);
  return p;
}

double radians(double degrees) { return degrees * pi / 180; }

std::vector<double> all_sides() {
  std::vector<double> angles;
  for (double degrees : {0.0, 13.0, 45.0, 77.7, 90.0, 135.0, 179.0, 200.0, 315.0, -61.0})
    angles.push_back(radians(degrees));
  return angles;
}

class Projector : public test::OnEveryDevice {};
PTYCHOFLOW_ON_EVERY_DEVICE(Projector);

TEST_P(Projector, IsAsDefined) {
  for (const Index side : {30, 41, 70}) {  // lines in one band, and in several
    for (const double axis_px : {15.5, 9.3, 40.0}) {
      const auto k = kernels({{all_sides(), axis_px}, 34, side});
      const Stack slices = noise({5, side, side}, 1), found = projected(*k, slices);
      for (Index s = 0; s < 5; ++s) {
        for (Index a = 0; a < 10; ++a) {
          const auto expected =
              reference::project(slices[s], all_sides()[static_cast<std::size_t>(a)], axis_px, found.extent(2));
          for (Index x = 0; x < found.extent(2); ++x)  // places in single precision are known to 1e-5 of a pixel
            ASSERT_NEAR(found(s, a, x), expected[static_cast<std::size_t>(x)], 3e-4) << side << ' ' << a << ' ' << x;
        }
      }
    }
  }
}

TEST_P(Projector, BackProjectionIsTheAdjoint) {
  for (const double axis_px : {15.5, 9.3, 40.0}) {
    const auto k = kernels({{all_sides(), axis_px}, 32, 29});
    const Index count = std::min<Index>(k->most_slices(), 19);
    const Stack x = noise({count, 29, 29}, 1), y = noise({count, 10, 32}, 2);
    const Stack ax = projected(*k, x), aty = back_projected(*k, y);
    // Both sum some 10 000 products in single precision for each slice.
    EXPECT_NEAR(dot(ax, y), dot(x, aty), 1e-5 * std::sqrt(dot(ax, ax) * dot(y, y))) << axis_px;
  }
}

TEST_P(Projector, PixelsAreSeenAtTheirPlaceFromAllSides) {
  // Slice 5 × 5: pixel (iy, ix) = (1, 4) is at u = 2, v = −1. The axis is at 3.
  Stack slice({1, 5, 5});
  slice(0, 1, 4) = 2;
  const auto k = kernels({{{0, pi / 2, pi, 3 * pi / 2}, 3}, 8, 5});
  const Stack sinogram = projected(*k, slice);
  for (Index a = 0; a < 4; ++a) {
    const Index expected[] = {5, 2, 1, 4};  // 3 + u, 3 + v, 3 − u, 3 − v
    for (Index x = 0; x < 8; ++x) EXPECT_NEAR(sinogram(0, a, x), x == expected[a] ? 2 : 0, 1e-5) << a << ' ' << x;
  }
}

TEST_P(Projector, ObliqueRaysSplitAPixelBetweenNeighbours) {
  // At 45° a pixel at u = v = 1 is seen at √2: ray 1 crosses its row 1 − (√2 − 1)√2 … of a pixel away, times path √2.
  Stack slice({1, 3, 3});
  slice(0, 2, 2) = 1;
  const Stack sinogram = projected(*kernels({{{pi / 4}, 4}, 9, 3}), slice);
  const double root2 = std::sqrt(2.0);
  for (Index x = 0; x < 9; ++x) {
    const double away = std::abs(static_cast<double>(x - 4) - root2) * root2;
    EXPECT_NEAR(sinogram(0, 0, x), std::max(0.0, 1 - away) * root2, 1e-5) << x;
  }
}

TEST_P(Projector, ProjectionsOfADiscAreItsChords) {
  constexpr Index n = 128;
  const double radius = 40, u0 = 11, v0 = -7, axis_px = 70.25;
  Stack disc({1, n, n});
  for (Index y = 0; y < n; ++y) {
    for (Index x = 0; x < n; ++x) {  // its edge a pixel wide, so that its area is right
      const double r = std::hypot(static_cast<double>(x) - 63.5 - u0, static_cast<double>(y) - 63.5 - v0);
      disc(0, y, x) = static_cast<float>(std::clamp(radius - r + 0.5, 0.0, 1.0));
    }
  }
  ParallelBeam beam{{}, axis_px};
  for (int a = 0; a < 24; ++a) beam.angle_rad.push_back(radians(15.0 * a + 4));
  const Stack sinogram = projected(*kernels({beam, 144, n}), disc);
  for (Index a = 0; a < 24; ++a) {
    const double t = beam.angle_rad[static_cast<std::size_t>(a)];
    double area = 0;
    for (Index x = 0; x < 144; ++x) {
      area += static_cast<double>(sinogram(0, a, x));
      const double d = static_cast<double>(x) - axis_px - u0 * std::cos(t) - v0 * std::sin(t);
      const double chord = 2 * std::sqrt(std::max(0.0, radius * radius - d * d));
      // Each end of a chord lies on an edge made of pixels, known to a third of one; a ray half a pixel inside is 2√40
      // long.
      const double edge = std::abs(std::abs(d) - radius) < 3 ? 6.4 : 0.67;
      EXPECT_NEAR(sinogram(0, a, x), chord, edge) << a << ' ' << x;
    }
    EXPECT_NEAR(area, pi * radius * radius, 0.002 * pi * radius * radius) << a;  // edges even out
  }
}

TEST_P(Projector, RaysBesideTheSliceSeeNothing) {
  Stack slice({1, 4, 4}), sinogram({1, 2, 6});
  for (float& v : slice) v = 1;
  for (float& v : sinogram) v = 1;
  for (const double axis_px : {-100.0, 100.0}) {
    const auto k = kernels({{{0.0, 1.0}, axis_px}, 6, 4});
    for (const float v : projected(*k, slice)) EXPECT_EQ(v, 0);
    for (const float v : back_projected(*k, sinogram)) EXPECT_EQ(v, 0);
  }
}

TEST_P(Projector, NoProjections) {
  EXPECT_THROW(kernels({{{}, 1}, 8, 8}), Error);
  EXPECT_THROW(kernels({{{0.0}, 1}, 0, 8}), Error);
}

TEST(Rays, AllInstructionSetsAgree) {
  constexpr Index width = 40, side = 37, angles = 3;
  const SliceGeometry geometry{{{0.3, 1.4, 2.6}, 18.2}, width, side};
  const auto places = pixel_places(geometry);
  const auto crossings = line_crossings(geometry);
  Lanes rows(rows_of(geometry, 1)), planes(planes_of(geometry, 1));
  float i = 0;
  for (float& v : rows) v = std::sin(++i);
  for (float& v : planes) v = std::sin(++i);
  const RayLoops portable = ray_loops(device::Simd::portable), best = ray_loops();
  Stack one({tile_rows, tile_columns, slice_lanes}), other({tile_rows, tile_columns, slice_lanes});
  for (const Spread spread : {Spread::linear, Spread::adjoint}) {
    const RayRows from{rows.data(), places.data(), angles, width};
    portable.back_project(from, spread, 8, 3, one.data());
    best.back_project(from, spread, 8, 3, other.data());
    for (Index k = 0; k < one.size(); ++k) ASSERT_NEAR(one.data()[k], other.data()[k], 1e-5) << k;
    EXPECT_GT(std::abs(one(3, 5, 2)), 1e-3);
  }
  device::Array<float, 2> ray({width, slice_lanes}), same({width, slice_lanes});
  for (const LineCrossings& c : crossings) {
    portable.project({planes.data(), side}, c, 5, 31, width, ray.data());
    best.project({planes.data(), side}, c, 5, 31, width, same.data());
    for (Index k = 0; k < ray.size(); ++k) ASSERT_NEAR(ray.data()[k], same.data()[k], 1e-4) << k;
    EXPECT_GT(std::abs(ray(20, 3)), 1e-3);
  }
}

}  // namespace
}  // namespace ptychoflow::tomo
