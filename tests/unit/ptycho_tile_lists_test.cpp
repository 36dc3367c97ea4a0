// Tile lists against windows that are looked through one by one.
#include "core/ptycho/tile_lists.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace ptychoflow::ptycho {
namespace {

struct Case {
  Yx<Index> frame, object;
};

class TileListsOf : public ::testing::TestWithParam<Case> {};

TEST_P(TileListsOf, EveryObjectPixelFindsItsViewsInOrder) {
  const auto [frame, object] = GetParam();
  std::mt19937 random(3);
  std::vector<Yx<Index>> windows;
  for (int j = 0; j < 12; ++j) {
    windows.push_back({std::uniform_int_distribution<Index>(0, object.y - frame.y)(random),
                       std::uniform_int_distribution<Index>(0, object.x - frame.x)(random)});
  }
  const TileLists lists = list_tiles(frame, object, windows);
  const Tiles tiles{lists.starts.data(), lists.views.data(), frame, object.x};
  for (Index y = 0; y < object.y; ++y) {
    for (Index x = 0; x < object.x; ++x) {
      const ObjectPixel pixel = tiles.pixel(y * object.x + x);
      ASSERT_EQ(pixel.y, y);
      ASSERT_EQ(pixel.x, x);
      std::vector<std::int32_t> found, expected;
      for (Index at = tiles.first(pixel); at < tiles.last(pixel); ++at) {
        const auto& w = windows[static_cast<std::size_t>(tiles.views[at])];
        const Index i = tiles.frame_pixel(pixel, w.y, w.x);
        if (i < 0) continue;
        ASSERT_EQ(i, (y - w.y) * frame.x + x - w.x);
        found.push_back(tiles.views[at]);
      }
      for (std::int32_t v = 0; v < 12; ++v) {
        const auto& w = windows[static_cast<std::size_t>(v)];
        if (y >= w.y && y < w.y + frame.y && x >= w.x && x < w.x + frame.x) expected.push_back(v);
      }
      ASSERT_EQ(found, expected) << y << ' ' << x;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, TileListsOf,
                         ::testing::Values(Case{{5, 7}, {20, 31}}, Case{{32, 32}, {64, 96}}, Case{{33, 1}, {70, 65}},
                                           Case{{40, 64}, {40, 64}}));

TEST(TileLists, ATileWithoutViewsIsEmpty) {
  const TileLists lists = list_tiles({4, 4}, {96, 96}, {{0, 0}, {64, 64}});
  ASSERT_EQ(lists.starts.size(), 10U);
  EXPECT_EQ(lists.starts[9], 2);
  EXPECT_EQ(lists.starts[1], 1);  // the first tile has the first view
  EXPECT_EQ(lists.starts[8], 1);  // the next seven have none
  EXPECT_EQ(lists.views, (std::vector<std::int32_t>{0, 1}));
}

}  // namespace
}  // namespace ptychoflow::ptycho
