#include "core/io/scan_checks.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/io/detector_window.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::io {
namespace {

using test::expect_error;
using Positions = std::vector<std::array<double, 2>>;

// Object pixels of 1e-10 · 2 / (100 · 1e-5) = 0.2 µm; a view of 20 µm.
const ScanGeometry geometry{1e-10, 2, {1e-5, 1e-5}, {100, 100}};
const FrameOrigin origin{"scan", 10, 5, 7, 8, false};
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TEST(CheckPositions, LetsASoundScanPass) {
  EXPECT_NEAR(object_pixel_m(geometry)[0], 2e-7, 1e-20);
  check_positions({{0, 0}, {0, 5e-6}, {5e-6, 5e-6}}, geometry, origin);
}

TEST(CheckPositions, NamesTheFrameWhosePositionIsNoNumber) {
  expect_error(
      [] {
        check_positions({{0, 0}, {0, nan}}, geometry, origin);
      },
      ErrorCode::data, {"scan", "x position of frame 15", "nan"});
  expect_error(
      [] {
        check_positions({{0, 0}, {0, 0}, {-INFINITY, 0}}, geometry, origin);
      },
      ErrorCode::data, {"y position of frame 20", "-inf"});
}

TEST(CheckPositions, RefusesASinglePosition) {
  expect_error(
      [] {
        check_positions({{1, 2}}, geometry, origin);
      },
      ErrorCode::data, {"a single position;", "overlapping views"});
  expect_error(
      [] {
        check_positions({{1, 2}, {1, 2 + 1e-8}}, geometry, origin);
      },
      ErrorCode::data, {"a single position: all 2 lie within one object pixel"});
}

TEST(CheckPositions, SaysHowLargeTheObjectWouldBeAndWhichUnitIsLikely) {
  Positions micrometres, millimetres, wild;
  for (int j = 0; j < 50; ++j) {
    micrometres.push_back({0, 2.0 * j});
    millimetres.push_back({5e-3 * j, 0});
    wild.push_back({1e9 * j, 0});
  }
  expect_error([&] { check_positions(micrometres, geometry, origin); }, ErrorCode::data,
               {"span 0 × 98 m", "100 × 490000100 pixels", "GiB", "look like µm", "scale: 1e-6"});
  expect_error([&] { check_positions(millimetres, geometry, origin); }, ErrorCode::data,
               {"look like mm", "scale: 1e-3"});
  expect_error([&] { check_positions(wild, geometry, origin); }, ErrorCode::data, {"Check the unit"});
}

TEST(CheckPositive, RefusesZeroNegativeAndNoNumbers) {
  check_positive(1e-12, "scan", "distance");
  for (const double bad : {0.0, -1.0, nan, static_cast<double>(INFINITY)}) {
    expect_error([&] { check_positive(bad, "scan", "the distance"); }, ErrorCode::data, {"scan", "the distance is"});
  }
}

TEST(CheckMask, RefusesOneThatIsAllBad) {
  const std::uint8_t mask[2] = {1, 1};
  expect_error([&] { check_mask({mask, {1, 2}}, "scan"); }, ErrorCode::data, {"scan", "every one of the 1 × 2"});
}

TEST(CheckFrames, NamesFrameAndPixelInTheFile) {
  const std::uint8_t mask[4] = {0, 0, 0, 1};
  const View<const std::uint8_t, 2> good(mask, {2, 2});
  std::int32_t negative[8] = {0, 0, 0, 0, 0, 0, -3, 0};
  expect_error(
      [&] {
        check_frames(View<std::int32_t, 3>(negative, {2, 2, 2}), good, origin);
      },
      ErrorCode::data, {"frame 15", "negative (-3)", "pixel y 8, x 8"});
  float not_a_number[4] = {0, static_cast<float>(nan), 0, 0};
  expect_error(
      [&] {
        check_frames(View<float, 3>(not_a_number, {1, 2, 2}), good, origin);
      },
      ErrorCode::data, {"frame 10", "NaN", "pixel y 7, x 9"});
  double infinite[4] = {0, 0, INFINITY, 0};
  expect_error(
      [&] {
        check_frames(View<double, 3>(infinite, {1, 2, 2}), good, origin);
      },
      ErrorCode::data, {"infinite"});
}

TEST(CheckFrames, SetsWhatIsNotMeasuredToZeroAndSeesLight) {
  const std::uint8_t mask[2] = {0, 1};
  const View<const std::uint8_t, 2> good(mask, {1, 2});
  float frames[4] = {0, -1, 0, static_cast<float>(nan)};
  EXPECT_FALSE(check_frames(View<float, 3>(frames, {2, 1, 2}), good, origin));
  EXPECT_EQ(frames[1], 0);
  EXPECT_EQ(frames[3], 0);
  std::uint16_t dark[2] = {0, 9}, lit[2] = {1, 0};
  EXPECT_FALSE(check_frames(View<std::uint16_t, 3>(dark, {1, 1, 2}), good, origin));
  EXPECT_TRUE(check_frames(View<std::uint16_t, 3>(lit, {1, 1, 2}), good, origin));
}

TEST(CheckFrames, LetsNegativeCountsPassWhereTheyMarkPixels) {
  const std::uint8_t mask[2] = {0, 0};
  float frames[2] = {-1, 0};
  const FrameOrigin marked{"scan", 0, 1, 0, 0, true};
  EXPECT_FALSE(check_frames(View<float, 3>(frames, {1, 1, 2}), {mask, {1, 2}}, marked));
  EXPECT_EQ(frames[0], -1);
}

TEST(PlaceWindow, PutsTheCenterAtHalfTheSize) {
  const auto inside = place_window({100, 120}, {10, 11}, {40, 50}, Padding::refuse, "scan");
  EXPECT_EQ(inside.stored.y, 35);
  EXPECT_EQ(inside.stored.x, 45);
  EXPECT_EQ(inside.stored.extent, (Extents<2>{10, 11}));
  EXPECT_FALSE(inside.padded());
  const auto over = place_window({100, 120}, {64, 200}, {90, 60}, Padding::allow, "scan");
  EXPECT_EQ(over.stored.y, 58);
  EXPECT_EQ(over.stored.x, 0);
  EXPECT_EQ(over.stored.extent, (Extents<2>{42, 120}));
  EXPECT_EQ(over.at, (Extents<2>{0, 40}));
  EXPECT_TRUE(over.padded());
}

TEST(PlaceWindow, RefusesWhatDoesNotFit) {
  const Extents<2> frame{100, 120};
  expect_error(
      [&] {
        place_window(frame, {128, 128}, {50, 60}, Padding::refuse, "scan");
      },
      ErrorCode::usage, {"frame_size 128 × 128 is larger than the frames, 100 × 120", "pad: true"});
  expect_error(
      [&] {
        place_window(frame, {64, 64}, {20, 60}, Padding::refuse, "scan");
      },
      ErrorCode::usage, {"center [20, 60] runs over the edge"});
  expect_error(
      [&] {
        place_window(frame, {10, 10}, {500, 60}, Padding::allow, "scan");
      },
      ErrorCode::usage, {"outside the frames"});
}

TEST(CenterOfMass, LeavesOutMaskedPixels) {
  const double mean[6] = {0, 2, 0, 900, 2, 0};
  const std::uint8_t mask[6] = {0, 0, 0, 1, 0, 0};
  EXPECT_EQ(center_of_mass({mean, {2, 3}}, {mask, {2, 3}}), (Extents<2>{1, 1}));
  const double dark[6] = {};
  EXPECT_FALSE(center_of_mass({dark, {2, 3}}, {mask, {2, 3}}).has_value());
}

}  // namespace
}  // namespace ptychoflow::io
