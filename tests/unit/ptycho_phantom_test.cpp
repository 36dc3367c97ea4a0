#include "core/ptycho/phantom.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/base/units.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::ptycho {
namespace {

using test::expect_error;

constexpr Axes straight{Point{1, 0, 0}, Point{0, 1, 0}, Point{0, 0, 1}};

/// 40 pixels wide, 30 high.
PhantomSettings settings() {
  PhantomSettings s;
  s.diameter_m = 400e-9;
  s.height_m = 300e-9;
  s.matrix = {1e-5, 2e-7};
  s.crystal = {3e-5, 2e-6};
  s.crystals = 20;
  s.pores = 5;
  s.crystal_m = 60e-9;
  s.seed = 3;
  return s;
}

constexpr double pixel_m = 10e-9;
constexpr double wavenumber_per_m = 2 * pi / 1e-10;
constexpr ProjectionPlane plane{{41, 61}, {pixel_m, pixel_m}, {20, 30}};

Field projection(const Phantom& phantom, double angle_rad, const ProjectionPlane& at = plane, int threads = 1) {
  device::ThreadPool pool(threads);
  return project(phantom, angle_rad, at, wavenumber_per_m, pool);
}

/// −log of the amplitude at each pixel: ∫β dl of the whole, times k.
std::vector<double> absorption(const Field& field) {
  std::vector<double> values;
  for (const auto& v : field) values.push_back(-std::log(abs(v)));
  return values;
}

/// ∫δ dl, in pixels. Without wraps: the phase is made small first.
std::vector<double> path_px(const Phantom& phantom, double angle_rad, const ProjectionPlane& at = plane) {
  constexpr double small = 1e3;  // 1/m: phases below 1e-8 rad
  device::ThreadPool pool(1);
  const Field field = project(phantom, angle_rad, at, small, pool);
  std::vector<double> values;
  for (const auto& v : field) values.push_back(-arg(v) / small / pixel_m);
  return values;
}

device::Array<float, 3> volume(const Phantom& phantom, const Extents<3>& shape, int threads = 1) {
  device::ThreadPool pool(threads);
  return sample_volume(phantom, shape, pixel_m, 4, pool);
}

TEST(Phantom, an_empty_pillar_is_as_dark_as_its_chords_are_long) {
  auto s = settings();
  s.crystals = s.pores = 0;
  const auto field = projection(make_phantom(s), 0.3);
  const double half_chord_m = std::sqrt(200e-9 * 200e-9 - 70e-9 * 70e-9);
  // The mean over a pixel of a chord s(x) differs from its middle by s''·(10 nm)²/24, with s'' = −2R²/(R² − x²)^1.5:
  // here 0.05 nm, which are 6e-7 of absorption and 3e-5 rad.
  EXPECT_NEAR(-std::log(abs(field(20, 37))), wavenumber_per_m * 2e-7 * 2 * half_chord_m, 2e-6);
  EXPECT_NEAR(std::remainder(arg(field(20, 37)) + wavenumber_per_m * 1e-5 * 2 * half_chord_m, 2 * pi), 0, 1e-4);
  EXPECT_EQ(abs(field(20, 9)), 1) << "air at its left";
  EXPECT_EQ(abs(field(20, 51)), 1) << "air at its right";
  EXPECT_EQ(abs(field(4, 30)), 1) << "air above: it ends at row 5";
  EXPECT_LT(abs(field(5, 30)), 1);
  EXPECT_LT(abs(field(35, 30)), 1);
  EXPECT_EQ(abs(field(36, 30)), 1);
}

// Each pixel of a projection against the voxels along its line, which are read between voxels by linear interpolation.
// That blurs edges of the pillar and of crystals by a voxel: over a projection of 40 pixels' depth the rms stays within
// 2 % of the maximum, and the sums, for which
// voxels weigh unequally at oblique angles, agree to 2e-3.
TEST(Phantom, projections_are_sums_along_the_volume) {
  const Phantom phantom = make_phantom(settings());
  const auto delta = volume(phantom, {41, 61, 61});
  for (double angle_deg : {0.0, 30.0, 90.0, 137.0, 200.0}) {
    const double angle = angle_deg * pi / 180, cosine = std::cos(angle), sine = std::sin(angle);
    std::vector<double> sums(41 * 61);
    constexpr int steps = 2;  // a pixel along the line
    for (Index z = 0; z < 41; ++z) {
      for (Index x = 0; x < 61; ++x) {
        const double s = static_cast<double>(x) - 30;
        for (int t = -29 * steps; t <= 29 * steps; ++t) {
          const double along = static_cast<double>(t) / steps;
          const double px = s * cosine - along * sine + 30, py = s * sine + along * cosine + 30;
          const auto x0 = static_cast<Index>(std::floor(px)), y0 = static_cast<Index>(std::floor(py));
          if (x0 < 0 || y0 < 0 || x0 > 59 || y0 > 59) continue;
          const double fx = px - static_cast<double>(x0), fy = py - static_cast<double>(y0);
          sums[static_cast<std::size_t>(z * 61 + x)] +=
              ((1 - fy) * ((1 - fx) * delta(z, y0, x0) + fx * delta(z, y0, x0 + 1)) +
               fy * ((1 - fx) * delta(z, y0 + 1, x0) + fx * delta(z, y0 + 1, x0 + 1))) /
              steps;
        }
      }
    }
    const auto exact = path_px(phantom, angle);
    double square = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) square += (sums[i] - exact[i]) * (sums[i] - exact[i]);
    const double most = *std::ranges::max_element(exact);
    EXPECT_LT(std::sqrt(square / static_cast<double>(sums.size())), 0.02 * most) << angle_deg;
    const double total = std::accumulate(exact.begin(), exact.end(), 0.0);
    EXPECT_NEAR(std::accumulate(sums.begin(), sums.end(), 0.0), total, 2e-3 * total) << angle_deg;
  }
}

TEST(Phantom, the_mass_is_the_same_at_every_angle_and_in_the_volume) {
  const Phantom phantom = make_phantom(settings());
  const auto delta = volume(phantom, {41, 61, 61});
  const double mass = std::accumulate(delta.begin(), delta.end(), 0.0);
  for (double angle : {0.0, 0.7, 1.9, 3.1}) {
    const auto path = path_px(phantom, angle);
    // Rays 2 nm apart see edges to a part of that; over some thousand pixels it averages out to below 1e-3.
    EXPECT_NEAR(std::accumulate(path.begin(), path.end(), 0.0), mass, 1e-3 * mass) << angle;
  }
}

TEST(Phantom, half_a_turn_mirrors_a_projection) {
  const Phantom phantom = make_phantom(settings());
  const auto front = projection(phantom, 0.4), back = projection(phantom, 0.4 + pi);
  for (Index y = 0; y < 41; ++y) {
    for (Index x = 0; x < 61; ++x) EXPECT_NEAR(abs(front(y, x) - back(y, 60 - x)), 0, 1e-9);
  }
}

TEST(Phantom, a_shift_of_the_middle_moves_the_projection) {
  const Phantom phantom = make_phantom(settings());
  auto moved = plane;
  moved.middle_px = {22, 25};
  const auto here = projection(phantom, 0.4), there = projection(phantom, 0.4, moved);
  for (Index y = 0; y < 39; ++y) {
    for (Index x = 5; x < 61; ++x) EXPECT_NEAR(abs(here(y, x) - there(y + 2, x - 5)), 0, 1e-9);
  }
  moved.middle_px = {20, 30.5};  // between two pixels: the centre of mass says so
  const auto whole = path_px(phantom, 0.4), half = path_px(phantom, 0.4, moved);
  const auto centre = [](const std::vector<double>& path) {
    double moment = 0, mass = 0;
    for (std::size_t i = 0; i < path.size(); ++i) {
      moment += path[i] * static_cast<double>(i % 61);
      mass += path[i];
    }
    return moment / mass;
  };
  EXPECT_NEAR(centre(half) - centre(whole), 0.5, 2e-3);  // rays see edges in steps of a fifth of a pixel
}

TEST(Phantom, rays_at_an_angle_see_the_contract_of_u_and_v) {
  Phantom phantom;
  phantom.bodies.push_back({ellipsoid({100e-9, 50e-9, 60e-9}, {20e-9, 20e-9, 20e-9}, straight), {1, 0}});
  const auto darkest = [&](double angle) {
    const auto path = path_px(phantom, angle);
    const auto at = std::ranges::max_element(path) - path.begin();
    return std::pair(at / 61, at % 61);
  };
  EXPECT_EQ(darkest(0), std::pair(26L, 40L)) << "u";
  EXPECT_EQ(darkest(pi / 2), std::pair(26L, 35L)) << "v";
  EXPECT_EQ(darkest(pi), std::pair(26L, 20L));
  const auto delta = volume(phantom, {41, 61, 61});
  EXPECT_EQ(delta(26, 35, 40), 1) << "z, v, u";
  EXPECT_EQ(delta(26, 35, 43), 0);
}

TEST(Phantom, voxels_at_an_edge_hold_their_part) {
  Phantom phantom;
  phantom.bodies.push_back({box({}, {22e-9, 15e-9, 5e-9}, straight), {1, 0}});
  const auto delta = volume(phantom, {3, 5, 7});
  EXPECT_EQ(delta(1, 2, 3), 1);
  EXPECT_NEAR(delta(1, 2, 5), 0.7, 1e-6) << "from 15 to 22 of 25 nm";
  EXPECT_EQ(delta(1, 3, 3), 1);
  EXPECT_EQ(delta(1, 4, 3), 0);
  EXPECT_EQ(delta(0, 2, 3), 0);
}

TEST(Phantom, crystals_lie_inside_and_apart) {
  auto s = settings();
  s.tip_m = 100e-9;
  const Phantom phantom = make_phantom(s);
  ASSERT_EQ(phantom.bodies.size(), 26u);
  for (std::size_t i = 1; i < phantom.bodies.size(); ++i) {
    const auto& [solid, contrast] = phantom.bodies[i];
    EXPECT_LE(std::hypot(solid.centre.u, solid.centre.v) + solid.reach, s.diameter_m / 2);
    EXPECT_LE(std::abs(solid.centre.z) + solid.reach, s.height_m / 2);
    for (double angle : {-0.2, 0.3, 0.8, 1.3}) {  // points of the sphere about it that are nearest to a tip
      const double outwards = std::hypot(solid.centre.u, solid.centre.v) + solid.reach * std::cos(angle);
      const double upwards = std::abs(solid.centre.z) + solid.reach * std::sin(angle);
      EXPECT_LE(outwards, (Pillar{200e-9, 150e-9, 100e-9}.radius_at(upwards))) << i;
    }
    EXPECT_NEAR(contrast.delta, i <= 20 ? 2e-5 : -1e-5, 1e-12);
    EXPECT_NEAR(contrast.beta, i <= 20 ? 1.8e-6 : -2e-7, 1e-12);
    for (std::size_t j = 1; j < i; ++j) {
      const Point way = solid.centre - phantom.bodies[j].solid.centre;
      EXPECT_GT(std::sqrt(dot(way, way)), solid.reach + phantom.bodies[j].solid.reach) << i << ' ' << j;
    }
  }
  const auto delta = volume(phantom, {41, 61, 61});
  EXPECT_NEAR(*std::ranges::max_element(delta), 3e-5, 1e-10) << "a crystal's middle";
  EXPECT_GE(*std::ranges::min_element(delta), -1e-12) << "pores are empty, not less";
}

TEST(Phantom, all_of_its_bodies_stay_within_their_reach) {
  const Phantom phantom = make_phantom(settings());
  for (std::size_t b = 1; b < phantom.bodies.size(); ++b) {
    const Solid& solid = phantom.bodies[b].solid;
    for (int i = 0; i < 200; ++i) {  // directions on a spiral over the sphere
      const double z = (i + 0.5) / 100 - 1, turn = 2.4 * i, r = std::sqrt(1 - z * z);
      const Crossing c = crossing(solid, {solid.centre, {r * std::cos(turn), r * std::sin(turn), z}});
      EXPECT_LE(c.leave, solid.reach * (1 + 1e-9));
      EXPECT_GE(c.enter, -solid.reach * (1 + 1e-9));
      EXPECT_GT(c.length(), 0.5 * solid.reach) << "and fill a good part of it";
    }
  }
}

TEST(Phantom, threads_do_not_change_a_single_value) {
  const Phantom phantom = make_phantom(settings());
  const auto alone = projection(phantom, 1.1), together = projection(phantom, 1.1, plane, 3);
  EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin()));
  const auto one = volume(phantom, {21, 31, 33}), two = volume(phantom, {21, 31, 33}, 2);
  EXPECT_TRUE(std::equal(one.begin(), one.end(), two.begin()));
}

TEST(Phantom, the_seed_makes_it) {
  auto s = settings();
  const auto a = absorption(projection(make_phantom(s), 0)), b = absorption(projection(make_phantom(s), 0));
  EXPECT_EQ(a, b);
  s.seed = 4;
  EXPECT_NE(a, absorption(projection(make_phantom(s), 0)));
}

TEST(Phantom, says_what_does_not_fit) {
  const auto refuse = [](auto change, std::initializer_list<const char*> parts) {
    auto s = settings();
    change(s);
    expect_error([&] { make_phantom(s); }, ErrorCode::usage, parts);
  };
  refuse([](auto& s) { s.height_m = 0; }, {"pillar", "height 0 m must be positive"});
  refuse([](auto& s) { s.tip_m = 151e-9; }, {"tips of 1.51e-07 m", "not longer than its height, 3e-07 m"});
  refuse([](auto& s) { s.pores = -1; }, {"20 crystals and -1 pores"});
  refuse([](auto& s) { s.crystal_m = 250e-9; },
         {"2.5e-07 m must be positive and 2.04e-07 m at most", "smaller crystal_m"});
  refuse([](auto& s) { s.crystals = 2000; }, {"of 2005 crystals and pores", "found room", "take fewer"});
}

}  // namespace
}  // namespace ptychoflow::ptycho
