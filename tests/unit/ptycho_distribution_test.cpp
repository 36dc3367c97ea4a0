// Views shared out among ranks, and the rows of the object that follow from it.
#include "core/ptycho/distribution.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/base/error.hpp"
#include "core/ptycho/problem.hpp"

namespace ptychoflow::ptycho {
namespace {

using device::Share;

std::vector<Yx<double>> random_positions(Index count) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> unit(0, 1e-5);
  std::vector<Yx<double>> positions;
  for (Index j = 0; j < count; ++j) positions.push_back({unit(random), unit(random)});
  return positions;
}

TEST(ShareOfViews, EveryViewHasOneRank) {
  const auto positions = random_positions(101);
  for (const Sharing sharing : {Sharing::scan_order, Sharing::bands}) {
    std::vector<int> seen(101);
    for (Index part = 0; part < 7; ++part) {
      const auto share = share_of_views(positions, sharing, part, 7);
      EXPECT_TRUE(std::ranges::is_sorted(share));
      EXPECT_GE(share.size(), 14U);
      EXPECT_LE(share.size(), 15U);
      for (const Index j : share) ++seen[static_cast<std::size_t>(j)];
    }
    EXPECT_TRUE(std::ranges::all_of(seen, [](int n) { return n == 1; }));
  }
}

TEST(ShareOfViews, BandsGoFromTopToBottom) {
  const auto positions = random_positions(50);
  const auto y = [&](Index j) { return positions[static_cast<std::size_t>(j)].y; };
  double reached = -1;
  for (Index part = 0; part < 4; ++part) {
    const auto share = share_of_views(positions, Sharing::bands, part, 4);
    const auto [least, greatest] = std::ranges::minmax(share, {}, y);
    EXPECT_GT(y(least), reached);
    reached = y(greatest);
  }
}

TEST(ShareOfViews, BandsAreChosenWhereRanksThenExchangeLess) {
  EXPECT_EQ(better_sharing(random_positions(400), 1e-6, 8), Sharing::bands);
  EXPECT_EQ(better_sharing(random_positions(400), 1e-6, 1), Sharing::scan_order);
  std::vector<Yx<double>> raster;
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 20; ++x) raster.push_back({1e-6 * y, 1e-6 * x});
  }
  EXPECT_EQ(better_sharing(raster, 3e-6, 4), Sharing::scan_order);
}

/// Checks what must hold of all ranks together, and returns their distributions.
std::vector<Distribution> distribute_all(Index height, const std::vector<Share>& touched) {
  std::vector<Distribution> all;
  for (int r = 0; r < static_cast<int>(touched.size()); ++r) all.push_back(distribute(height, touched, r));
  std::vector<int> owners(static_cast<std::size_t>(height));
  for (std::size_t r = 0; r < all.size(); ++r) {
    EXPECT_LE(all[r].rows.first, std::min(touched[r].first, all[r].owned.first));
    EXPECT_GE(all[r].rows.last, touched[r].last);
    for (Index y = all[r].owned.first; y < all[r].owned.last; ++y) {
      EXPECT_TRUE(all[r].rows.first <= y && y < all[r].rows.last);
      ++owners[static_cast<std::size_t>(y)];
    }
    for (const auto& n : all[r].neighbours) {  // they know each other, and the same rows
      const auto& back = all[static_cast<std::size_t>(n.rank)].neighbours;
      EXPECT_TRUE(std::ranges::any_of(back, [&](const Neighbour& b) {
        return b.rank == static_cast<int>(r) && b.rows.first == n.rows.first && b.rows.last == n.rows.last;
      }));
    }
  }
  EXPECT_TRUE(std::ranges::all_of(owners, [](int n) { return n == 1; }));
  return all;
}

TEST(Distribute, NeighboursShareTheRowsThatBothTouch) {
  const auto all = distribute_all(104, {{4, 40}, {30, 70}, {60, 100}});
  EXPECT_EQ(all[0].rows.first, 0);  // the rim that nobody touches
  EXPECT_EQ(all[2].rows.last, 104);
  ASSERT_EQ(all[0].neighbours.size(), 1U);
  EXPECT_EQ(all[0].neighbours[0].rows.first, 30);
  EXPECT_EQ(all[0].neighbours[0].rows.last, 40);
  EXPECT_EQ(all[1].neighbours.size(), 2U);
  EXPECT_EQ(all[1].neighbours[0].rows.size() + all[1].neighbours[1].rows.size(), 10 + 10);
  EXPECT_FALSE(all[1].whole);
}

TEST(Distribute, AnyOrderOfRanksGapsAndEmptyRanks) {
  distribute_all(200, {{150, 190}, {10, 50}, {45, 90}, {100, 140}});
  distribute_all(200, {{10, 50}, {0, 0}, {120, 160}});
  distribute_all(200, {{0, 0}, {10, 80}, {20, 40}, {70, 160}});
  distribute_all(64, {{0, 64}});
}

TEST(Distribute, RanksThatTouchEverythingHoldTheWholeObject) {
  const auto all = distribute_all(100, {{0, 100}, {0, 100}, {2, 100}, {0, 98}});
  for (const auto& d : all) {
    EXPECT_TRUE(d.whole);
    EXPECT_EQ(d.rows.size(), 100);
    EXPECT_TRUE(d.neighbours.empty());
  }
}

TEST(Problem, ViewsInSharedRowsComeFirst) {
  Layout layout;
  layout.frame = {10, 10};
  layout.object = {60, 20};
  layout.windows = {{0, 0}, {25, 3}, {12, 1}, {20, 0}, {35, 2}, {50, 5}};
  const auto magnitudes = std::make_shared<device::Array<float, 3>>(Extents<3>{4, 10, 10});
  const Distribution mine = distribute(60, {{0, 35}, {32, 60}}, 0);
  const Problem<float> problem(layout, magnitudes, {{0, 0}, {1, 1}, {2, 2}, {3, 3}}, mine);
  EXPECT_EQ(problem.shared_count(), 1);
  EXPECT_EQ(problem.scan_index(0), 1);  // rows 25 to 35
  EXPECT_EQ(problem.scan_index(1), 0);
  EXPECT_EQ(problem.scan_index(2), 2);
  EXPECT_EQ(problem.scan_index(3), 3);
  EXPECT_EQ(problem.held(), (Yx<Index>{35, 20}));
  EXPECT_EQ(problem.windows_here().size(), 4U);  // the last two begin at row 35 and below
  EXPECT_EQ(problem.scan_count(), 6);
  const Distribution other = distribute(60, {{0, 35}, {32, 60}}, 1);
  const Problem<float> below(layout, magnitudes, {{4, 0}, {5, 1}}, other);
  EXPECT_EQ(below.window(0), (Yx<Index>{3, 2}));
  EXPECT_EQ(below.windows_here().front(), (Yx<Index>{-7, 3}));
  EXPECT_THROW(Problem<float>(layout, magnitudes, {{0, 0}}, other), Error);
}

}  // namespace
}  // namespace ptychoflow::ptycho
