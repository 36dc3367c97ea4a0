// Pictures of real maps: where panels lie, what gray they get, and what is refused.
#include "core/image/map_picture.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "core/image/panel.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::image {
namespace {

using test::expect_error;

bool same(const Canvas& a, const Canvas& b) {
  return a.width() == b.width() && a.height() == b.height() &&
         std::equal(a.data(), a.data() + a.width() * a.height(), b.data());
}

/// Upper left and lower right half of a panel of 2 × 2 values in a scene of one panel.
std::pair<Rgb, Rgb> corners(const std::vector<float>& values) {
  const Canvas c =
      map_picture({.panels = {{{values.data(), {2, 2}}, "", {1e-8, 1e-8}}}, .quantity = "v", .title = "t"});
  // The first pixel of the frame, found from the left below the heading: one row and column further is the map.
  for (int y = 60; y < c.height(); ++y) {
    if (c.at(margin_px - 1, y) == ink && c.at(margin_px - 1, y + 5) == ink) {
      return {c.at(margin_px + 3, y + 4), c.at(margin_px + 400, y + 4)};
    }
  }
  ADD_FAILURE() << "no frame";
  return {};
}

TEST(MapPicture, GoesFromBlackToWhiteOverAllValues) {
  const auto [left, right] = corners({0, 1, 0, 1});
  EXPECT_EQ(left, black);
  EXPECT_EQ(right, white);
}

TEST(MapPicture, TinyNumbersKeepTheirContrast) {  // delta is 1e-6 and less
  const auto [left, right] = corners({2e-9f, 1e-9f, 2e-9f, 1e-9f});
  EXPECT_EQ(left, white);
  EXPECT_EQ(right, black);
}

TEST(MapPicture, NumbersAreWrittenAsMultiplesOfAPowerOfTen) {
  const std::vector<float> plain{0, 1, 2, 3}, tiny{0, 1e-6f, 2e-6f, 3e-6f}, huge{0, 1e6f, 2e6f, 3e6f};
  const auto of = [](const std::vector<float>& v, const char* quantity) {
    return map_picture({.panels = {{{v.data(), {2, 2}}, "", {1, 1}}}, .quantity = quantity});
  };
  EXPECT_TRUE(same(of(tiny, "v"), of(plain, "v × 10^6")));
  EXPECT_TRUE(same(of(huge, "v"), of(plain, "v × 10^−6")));
  EXPECT_FALSE(same(of(plain, "v"), of(plain, "v × 10^6")));
}

TEST(MapPicture, ValuesThatAreNotThereAreNeitherBlackNorWhite) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto [left, right] = corners({nan, 1, nan, 0});
  EXPECT_EQ(left, no_data);
  EXPECT_EQ(right, white);
  EXPECT_EQ(corners({nan, nan, nan, nan}).first, no_data);
}

TEST(MapPicture, ALargeMapIsAveraged) {
  std::vector<float> stripes(2000 * 2000);
  for (std::size_t i = 0; i < stripes.size(); ++i) stripes[i] = static_cast<float>(i % 2);
  const Canvas c = map_picture({.panels = {{{stripes.data(), {2000, 2000}}, "", {1e-8, 1e-8}}}, .quantity = "v"});
  EXPECT_LT(c.width(), 1200);
  EXPECT_GT(c.width(), 500);
}

TEST(MapPicture, AFlatMapGetsNoScaleBarThatWouldHideItsCaption) {
  const std::vector<float> v(300, 1.0f);
  const Canvas c = map_picture({.panels = {{{v.data(), {1, 300}}, "", {1e-8, 1e-8}}}, .quantity = "v", .title = "t"});
  int top = 60;  // of the frame, below the heading
  while (top < c.height() && c.at(margin_px, top) != ink) ++top;
  ASSERT_LT(top, c.height());
  for (int x = margin_px; x < margin_px + 300; ++x) EXPECT_EQ(c.at(x, top - 1), white) << x;
}

TEST(MapPicture, RefusesWhatCannotBeDrawn) {
  const std::vector<float> v(4);
  expect_error([&] { map_picture({}); }, ErrorCode::other, {"needs maps"});
  expect_error(
      [&] {
        map_picture({.panels = {{{v.data(), {2, 2}}, "", {0, 1}}}});
      },
      ErrorCode::other, {"positive size"});
  expect_error(
      [&] {
        map_picture({.panels = {{{v.data(), {0, 2}}, "", {1, 1}}}});
      },
      ErrorCode::other, {"positive size"});
  const std::vector<double> angle(2);
  const SeriesScene odd{.projections = {v.data(), {1, 2, 2}}, .angle_deg = {angle.data(), {2}}, .pixel_size_m = {1, 1}};
  expect_error([&] { montage_picture(odd); }, ErrorCode::other, {"one angle a projection"});
  expect_error([&] { sinogram_picture(odd); }, ErrorCode::other, {"one angle a projection"});
}

/// A series of `count` projections of 6 × 8, all of one value each.
struct Series {
  explicit Series(Index count)
      : values(static_cast<std::size_t>(count * 48)), angle_deg(static_cast<std::size_t>(count)) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i / 48);
    std::iota(angle_deg.begin(), angle_deg.end(), -3.0);
  }
  SeriesScene scene() const {
    const auto count = static_cast<Index>(angle_deg.size());
    return {.projections = {values.data(), {count, 6, 8}},
            .angle_deg = {angle_deg.data(), {count}},
            .pixel_size_m = {1e-8, 1e-8},
            .quantity = "phase",
            .unit = "rad",
            .title = "series"};
  }
  std::vector<float> values;
  std::vector<double> angle_deg;
};

TEST(MontagePicture, ShowsTwelveOfMany) {
  const Series many(40);
  const Canvas c = montage_picture(many.scene());
  const Canvas few = montage_picture(Series(12).scene());
  EXPECT_EQ(c.height(), few.height());  // three rows of four
  // Every panel has one gray, and twelve of the forty are there.
  std::set<int> grays;
  for (int y = 0; y < c.height(); ++y) {
    for (int x = margin_px; x + 40 < c.width() - 150; ++x) {
      bool even = c.at(x, y) != white || x > margin_px;
      for (int i = 1; i < 40 && even; ++i) even = c.at(x + i, y) == c.at(x, y);
      if (even && c.at(x, y).r == c.at(x, y).g && c.at(x, y).g == c.at(x, y).b) grays.insert(c.at(x, y).r);
    }
  }
  EXPECT_GE(grays.size(), 12u);
  EXPECT_LE(grays.size(), 16u) << "the panels, the page, and the scale bar";
}

TEST(SinogramPicture, TakesTheMiddleRowAndStretchesAFewAngles) {
  Series one(4), other(4);
  for (Index j = 0; j < 4; ++j) {
    for (Index x = 0; x < 8; ++x) one.values[static_cast<std::size_t>(j * 48 + 8 + x)] += 7;  // row 1 is not shown
  }
  EXPECT_TRUE(same(sinogram_picture(one.scene()), sinogram_picture(other.scene())));
  for (Index x = 0; x < 8; ++x) one.values[static_cast<std::size_t>(48 + 3 * 8 + x)] += 7;  // row 3 of 6 is
  EXPECT_FALSE(same(sinogram_picture(one.scene()), sinogram_picture(other.scene())));
  // As high for two angles as for eight, but for the rounding of pixels to the screen's.
  EXPECT_NEAR(sinogram_picture(Series(2).scene()).height(), sinogram_picture(Series(8).scene()).height(), 8);
}

TEST(SlicesPicture, AllThreeShareOneGrayScale) {
  const std::vector<float> dark(12, 0.0f), bright(12, 1.0f);
  const SlicesScene scene{.xy = {dark.data(), {3, 4}},
                          .xz = {bright.data(), {2, 4}},
                          .yz = {bright.data(), {2, 3}},
                          .voxel_size_m = {1e-8, 1e-8, 1e-8},
                          .quantity = "δ",
                          .unit = "",
                          .title = "t"};
  const Canvas c = slices_picture(scene);
  std::size_t blacks = 0, grays = 0;
  for (int y = 100; y < c.height() - margin_px; ++y) {
    for (int x = margin_px; x < c.width() - margin_px - 114; ++x) {
      const Rgb p = c.at(x, y);
      blacks += p == black;
      grays += p.r > 60 && p.r < 200 && p.r == p.g && p.g == p.b;
    }
  }
  EXPECT_GT(blacks, 20000u) << "xy is black";
  EXPECT_LT(grays, 3000u) << "and the others white: gray is in letters alone";
}

}  // namespace
}  // namespace ptychoflow::image
