#include "core/ptycho/scan_pattern.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"
#include "core/base/units.hpp"

namespace ptychoflow::ptycho {
namespace {

TEST(ScanPattern, raster_of_four_is_a_square_walked_back_and_forth) {
  const auto at = scan_positions_m({ScanPattern::raster, 4, 2.0, 0.5, 1});
  const std::vector<Yx<double>> square{{-1, -1}, {-1, 1}, {1, 1}, {1, -1}};
  EXPECT_EQ(at, square);
}

TEST(ScanPattern, jitter_stays_in_its_bound_and_follows_the_seed) {
  const Scan scan{ScanPattern::jittered_raster, 50, 1e-7, 0.3, 5};
  const auto even = scan_positions_m({ScanPattern::raster, 50, 1e-7, 0, 0});
  const auto moved = scan_positions_m(scan);
  for (std::size_t j = 0; j < moved.size(); ++j) {
    EXPECT_LE(std::abs(moved[j].y - even[j].y), 0.3e-7);
    EXPECT_LE(std::abs(moved[j].x - even[j].x), 0.3e-7);
    EXPECT_NE(moved[j], even[j]);
  }
  EXPECT_EQ(moved, scan_positions_m(scan));
  auto other = scan;
  other.seed = 6;
  EXPECT_NE(moved, scan_positions_m(other));
}

TEST(ScanPattern, a_straight_rim_covers_the_same_field_for_every_seed) {
  Scan scan{ScanPattern::jittered_raster, 50, 1e-7, 0.3, 5};  // rows of 8, the last short
  scan.rim = Rim::straight;
  const auto even = scan_positions_m({ScanPattern::raster, 50, 1e-7, 0, 0});
  const auto moved = scan_positions_m(scan);
  for (std::size_t j = 0; j < moved.size(); ++j) {
    EXPECT_EQ(moved[j].y == even[j].y, j < 8 || j >= 48) << j;
    EXPECT_EQ(moved[j].x == even[j].x, j % 8 == 0 || j % 8 == 7) << j;
  }
  scan.rim = Rim::jittered;
  const auto free = scan_positions_m(scan);
  EXPECT_EQ(moved[9].y, free[9].y) << "within, they are those of other scans";
}

TEST(ScanPattern, a_spiral_holds_one_point_in_each_step_squared) {
  const auto at = scan_positions_m({ScanPattern::fermat, 1000, 2.0, 0, 0});
  const auto within = std::count_if(at.begin(), at.end(), [](auto p) { return std::hypot(p.y, p.x) < 30; });
  EXPECT_NEAR(static_cast<double>(within), pi * 30 * 30 / 4, 3);
  double nearest = 1e9;
  for (std::size_t i = 0; i < at.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) nearest = std::min(nearest, std::hypot(at[i].y - at[j].y, at[i].x - at[j].x));
  }
  EXPECT_GT(nearest, 0.8 * 2.0);
}

TEST(ScanPattern, without_frames_or_step_is_refused) {
  EXPECT_THROW(scan_positions_m({ScanPattern::raster, 0, 1, 0, 0}), Error);
  EXPECT_THROW(scan_positions_m({ScanPattern::raster, 3, 0, 0, 0}), Error);
}

}  // namespace
}  // namespace ptychoflow::ptycho
