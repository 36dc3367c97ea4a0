#include "core/ptycho/solids.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace ptychoflow::ptycho {
namespace {

constexpr Axes straight{Point{1, 0, 0}, Point{0, 1, 0}, Point{0, 0, 1}};
const double half_root = std::sqrt(0.5);
const Axes turned{Point{half_root, half_root, 0}, Point{-half_root, half_root, 0}, Point{0, 0, 1}};  // 45° about z

TEST(Solids, a_sphere_is_crossed_along_its_chord) {
  const Solid sphere = ellipsoid({1, 2, 3}, {5, 5, 5}, straight);
  const Crossing c = crossing(sphere, {{-10, 5, 3}, {1, 0, 0}});  // 3 from the middle: half the chord is 4
  EXPECT_NEAR(c.enter, 7, 1e-12);
  EXPECT_NEAR(c.leave, 15, 1e-12);
  EXPECT_EQ(crossing(sphere, {{-10, 2, 8.1}, {1, 0, 0}}).length(), 0);
}

TEST(Solids, an_ellipsoid_turns_with_its_axes) {
  const Solid e = ellipsoid({}, {3, 1, 2}, turned);
  EXPECT_NEAR(crossing(e, {{}, {half_root, half_root, 0}}).length(), 6, 1e-12);
  EXPECT_NEAR(crossing(e, {{}, {-half_root, half_root, 0}}).length(), 2, 1e-12);
  EXPECT_NEAR(crossing(e, {{0, 0, -9}, {0, 0, 1}}).length(), 4, 1e-12);
  EXPECT_EQ(e.reach, 3);
}

TEST(Solids, a_box_is_as_thick_as_its_edges_or_its_diagonal) {
  const Solid upright = box({0, 0, 1}, {1, 2, 3}, straight);
  EXPECT_NEAR(crossing(upright, {{0.5, -9, 3.9}, {0, 1, 0}}).length(), 4, 1e-12);
  EXPECT_EQ(crossing(upright, {{0.5, -9, 4.1}, {0, 1, 0}}).length(), 0) << "over its top";
  EXPECT_EQ(crossing(upright, {{1.1, -9, 0}, {0, 1, 0}}).length(), 0) << "past its side";
  const Solid diamond = box({}, {1, 1, 1}, turned);
  EXPECT_NEAR(crossing(diamond, {{0, -9, 0}, {0, 1, 0}}).length(), 2 * std::sqrt(2.0), 1e-12);
  EXPECT_NEAR(crossing(diamond, {{1, -9, 0}, {0, 1, 0}}).length(), 2 * std::sqrt(2.0) - 2, 1e-12);
  EXPECT_NEAR(upright.reach, std::sqrt(14.0), 1e-12);
}

TEST(Solids, an_octahedron_has_corners_unless_they_are_cut) {
  EXPECT_NEAR(crossing(octahedron({}, 2, 1, straight), {{0, -9, 0}, {0, 1, 0}}).length(), 4, 1e-12);
  EXPECT_NEAR(crossing(octahedron({}, 2, 1, straight), {{0.5, -9, 0}, {0, 1, 0}}).length(), 3, 1e-12);
  EXPECT_NEAR(crossing(octahedron({}, 2, 0.7, straight), {{0, -9, 0}, {0, 1, 0}}).length(), 2.8, 1e-12);
}

TEST(Solids, a_pillar_ends_at_its_side_top_and_bottom) {
  const Solid c = pillar({1, 0, 0}, 5, 6, 0);
  EXPECT_NEAR(crossing(c, {{4, -9, 2.9}, {0, 1, 0}}).length(), 8, 1e-12);
  EXPECT_EQ(crossing(c, {{4, -9, 3.1}, {0, 1, 0}}).length(), 0);
  EXPECT_EQ(crossing(c, {{6.1, -9, 0}, {0, 1, 0}}).length(), 0);
  EXPECT_EQ(c.rise, 3);
}

TEST(Solids, the_tips_of_a_pillar_are_cones) {
  const Solid c = pillar({0, 0, 1}, 4, 10, 2);  // full from -2 to 4, its tips at -4 and 6
  EXPECT_NEAR(crossing(c, {{0, -9, 4}, {0, 1, 0}}).length(), 8, 1e-12);
  EXPECT_NEAR(crossing(c, {{0, -9, 5}, {0, 1, 0}}).length(), 4, 1e-12);
  EXPECT_NEAR(crossing(c, {{0, -9, -3.5}, {0, 1, 0}}).length(), 2, 1e-12);
  EXPECT_EQ(crossing(c, {{0, -9, 6.1}, {0, 1, 0}}).length(), 0);
  EXPECT_EQ(crossing(c, {{0, -9, -4.1}, {0, 1, 0}}).length(), 0);
}

}  // namespace
}  // namespace ptychoflow::ptycho
