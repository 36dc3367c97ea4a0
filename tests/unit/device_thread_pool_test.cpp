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
