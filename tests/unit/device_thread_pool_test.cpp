#include "core/device/thread_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace ptychoflow::device {
namespace {

TEST(ThreadPool, RunsOnceOnEachThread) {
  for (const int size : {1, 2, 5}) {
    ThreadPool pool(size);
    for (int round = 0; round < 50; ++round) {
      std::vector<std::atomic<int>> calls(static_cast<std::size_t>(size));
      pool.run([&](int t) { ++calls[static_cast<std::size_t>(t)]; });
      for (const auto& c : calls) EXPECT_EQ(c, 1);
    }
  }
}

TEST(ThreadPool, RethrowsTheLowestThreadsExceptionAndGoesOn) {
  ThreadPool pool(4);
  try {
    pool.run([](int t) {
      if (t >= 2) throw std::runtime_error("thread " + std::to_string(t));
    });
    FAIL();
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "thread 2");
  }
  std::atomic<int> calls = 0;
  pool.run([&](int) { ++calls; });
  EXPECT_EQ(calls, 4);
}

TEST(ThreadPool, GivesEveryItemOnceAndTheFirstByNumber) {
  for (const Index count : {0, 1, 3, 200}) {
    ThreadPool pool(3);
    std::vector<std::atomic<int>> calls(static_cast<std::size_t>(count)), takers(static_cast<std::size_t>(count));
    pool.run_in_turn(count, [&](int t, Index item) {
      ++calls[static_cast<std::size_t>(item)];
      takers[static_cast<std::size_t>(item)] = t;
    });
    for (const auto& c : calls) EXPECT_EQ(c, 1);
    for (std::size_t t = 0; t < std::min<std::size_t>(3, takers.size()); ++t) EXPECT_EQ(takers[t], static_cast<int>(t));
  }
}

TEST(ThreadPool, AnItemThatThrowsStopsItsThreadOnly) {
  ThreadPool pool(2);
  std::atomic<int> calls = 0;
  const auto body = [&](int, Index item) {
    ++calls;
    if (item == 0) throw std::runtime_error("item 0");
  };
  EXPECT_THROW(pool.run_in_turn(10, body), std::runtime_error);
  EXPECT_EQ(calls, 10);
}

TEST(ShrinkingShares, AreContiguousWholeAndEndSmall) {
  for (const Index takers : {2, 3, 64}) {
    for (const Index count : {0, 1, 2, 63, 200, 10000}) {
      Index next = 0;
      for (const Share share : shrinking_shares(count, takers)) {
        EXPECT_EQ(share.first, next);
        EXPECT_GT(share.size(), 0);
        EXPECT_LE(share.size(), std::max<Index>(1, 3 * count / (4 * takers)));
        next = share.last;
      }
      EXPECT_EQ(next, count);
    }
  }
  EXPECT_LE(shrinking_shares(10000, 2).back().size(), 10000 / 64);
  EXPECT_LE(shrinking_shares(10000, 2).size(), 9U);
}

TEST(ShrinkingShares, OneTakerTakesAll) {
  const auto shares = shrinking_shares(7, 1);
  ASSERT_EQ(shares.size(), 1U);
  EXPECT_EQ(shares[0].size(), 7);
}

TEST(Share, PartsAreContiguousAlmostEqualAndWhole) {
  Index next = 0;
  for (Index part = 0; part < 7; ++part) {
    const Share share = share_of(23, part, 7);
    EXPECT_EQ(share.first, next);
    EXPECT_GE(share.size(), 3);
    EXPECT_LE(share.size(), 4);
    next = share.last;
  }
  EXPECT_EQ(next, 23);
  EXPECT_EQ(share_of(2, 0, 5).size(), 0);
}

}  // namespace
}  // namespace ptychoflow::device
