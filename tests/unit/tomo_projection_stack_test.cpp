#include "core/tomo/projection_stack.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "core/tomo/covered_area.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::test {
namespace {

using namespace tomo;
using Plane = device::Array<float, 2>;

/// 100·y + x of the scan's coordinates, in pixels of 10 nm.
Plane coordinates(Extents<2> size, Index y0, Index x0) {
  Plane p(size);
  for (Index y = 0; y < size[0]; ++y) {
    for (Index x = 0; x < size[1]; ++x) p(y, x) = static_cast<float>(100 * (y + y0) + x + x0);
  }
  return p;
}

Projection projection(const char* scan, double rotation_deg, const Plane& phase, double y0 = 0, double x0 = 0) {
  return {scan, rotation_deg, {1e-8, 1e-8}, {y0 * 1e-8, x0 * 1e-8}, phase, {}, {}};
}

struct Three {
  Plane a = coordinates({24, 30}, 0, 0), b = coordinates({26, 28}, -3, 4), c = coordinates({30, 40}, 2, -5);
  std::vector<Projection> projections{projection("a", 0, a), projection("b", 60, b, -3, 4),
                                      projection("c", 120, c, 2.25, -5.25)};
};

TEST(ProjectionStack, PutsDifferentSizesAndOriginsOnOneGrid) {
  Three three;
  check_series(three.projections);
  const ProjectionStack stack = stack_projections(three.projections);
  // rows 2 … 22 (a starts at 0, b ends at 23, c starts at 2) and columns 4 … 29
  ASSERT_EQ(stack.phase.extents(), (Extents<3>{3, 21, 26}));
  for (Index i = 0; i < 3; ++i) {
    EXPECT_EQ(stack.phase(i, 0, 0), 204) << i;
    EXPECT_EQ(stack.phase(i, 20, 25), 2229) << i;
  }
  EXPECT_TRUE(stack.absorption.empty());
  EXPECT_NEAR(stack.remainder[2].y_px, 0.25, 1e-9);
  EXPECT_NEAR(stack.remainder[2].x_px, -0.25, 1e-9);
  EXPECT_NEAR(stack.remainder[1].y_px, 0, 1e-9);
}

TEST(ProjectionStack, WeightsCutEdgesButNotHoles) {
  Three three;
  Plane weight(three.a.extents());
  std::fill(weight.begin(), weight.end(), 1.0F);
  for (Index y = 0; y < 24; ++y) weight(y, 29) = weight(y, 28) = 0;  // not lit at the right edge
  weight(12, 15) = 0;                                                // a black spot
  three.projections[0].weight = weight;
  EXPECT_EQ(stack_projections(three.projections).phase.extents(), (Extents<3>{3, 21, 24}));
}

TEST(ProjectionStack, AbsorptionComesAlongWhereAllHaveIt) {
  Three three;
  three.projections[0].absorption = three.a;
  three.projections[1].absorption = three.b;
  EXPECT_TRUE(stack_projections(three.projections).absorption.empty());
  three.projections[2].absorption = three.c;
  const ProjectionStack stack = stack_projections(three.projections);
  ASSERT_EQ(stack.absorption.extents(), stack.phase.extents());
  EXPECT_EQ(stack.absorption(2, 1, 1), 305);
}

TEST(ProjectionStack, WhatIsNoSeriesIsRefused) {
  Three three;
  auto p = three.projections;
  p.pop_back();
  expect_error([&] { check_series(p); }, ErrorCode::data, {"needs at least 3 projections, and 2 came"});
  p = three.projections;
  p[2].rotation_deg = -300 + 5e-7;
  expect_error([&] { check_series(p); }, ErrorCode::data, {"scans 'b' and 'c' both have the angle -300°", "leave one"});
  p[2].rotation_deg = -300 + 5e-6;
  EXPECT_NO_THROW(check_series(p));
  p = three.projections;
  p[1].pixel_size_m[1] = 1e-8 * (1 + 2e-6);
  expect_error([&] { check_series(p); }, ErrorCode::data,
               {"pixels of scan 'a' are 10 × 10 nm", "scan 'b'", "frame_size"});
  p[1].pixel_size_m[1] = 1e-8 * (1 + 5e-7);
  EXPECT_NO_THROW(check_series(p));
  three.b(3, 7) = std::numeric_limits<float>::quiet_NaN();
  expect_error([&] { check_series(three.projections); }, ErrorCode::data,
               {"the phase of scan 'b' is nan at pixel y 3, x 7"});
  three.b(3, 7) = 0;
  three.c(0, 1) = std::numeric_limits<float>::infinity();
  three.projections[2].phase = three.a;
  three.projections[2].absorption = three.c;
  expect_error([&] { check_series(three.projections); }, ErrorCode::data,
               {"the absorption of scan 'c' is inf at pixel y 0, x 1"});
}

TEST(ProjectionStack, TooSmallACommonAreaIsRefused) {
  Three three;
  three.projections[1].origin_m[0] = 9e-8;  // rows 9 … 23: 15 of them
  expect_error([&] { stack_projections(three.projections); }, ErrorCode::data,
               {"the largest area that all 3 projections cover is 15 × 26 px", "at least 16"});
  three.projections[1].origin_m[0] = 1;
  expect_error([&] { stack_projections(three.projections); }, ErrorCode::data, {"cover is 0 × 0 px"});
}

TEST(CoveredArea, LargestRectangleOfARaggedMask) {
  const char* rows[] = {"..#####.",  //
                        ".######.",  //
                        "####.###",  //
                        "########",  //
                        "########"};
  Mask mask({5, 8});
  for (Index y = 0; y < 5; ++y) {
    for (Index x = 0; x < 8; ++x) mask(y, x) = rows[y][x] == '#';
  }
  const Rectangle r = largest_rectangle(mask);
  EXPECT_EQ((std::array{r.y, r.x, r.height, r.width}), (std::array<Index, 4>{3, 0, 2, 8}));
  EXPECT_EQ(largest_rectangle(Mask({3, 3})).width, 0);
}

}  // namespace
}  // namespace ptychoflow::test
