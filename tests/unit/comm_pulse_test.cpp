// Signs of life of the main thread, which is the test's: what another thread sees while it sleeps, waits or works.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "core/comm/pulse.hpp"

namespace ptychoflow::comm {
namespace {

using namespace std::chrono_literals;

/// The last pulse taken while the main thread does `what`, which is handed a flag that says when it may end.
template <class What>
Pulse pulse_during(const What& what) {
  Pulse pulse;
  std::atomic<bool> taken{false};
  std::thread observer([&] {
    std::this_thread::sleep_for(50ms);  // by then it is in the midst of it
    for (int i = 0; i < 10; ++i) {
      pulse.take();
      std::this_thread::sleep_for(50ms);
    }
    taken = true;
  });
  what(taken);
  observer.join();
  return pulse;
}

TEST(Pulse, stops_in_sleep) {
  const Pulse pulse = pulse_during([](auto&) { std::this_thread::sleep_for(1s); });
  EXPECT_GT(pulse.stalled_s(), 0.3);
  EXPECT_FALSE(pulse.on_file());
}

TEST(Pulse, goes_on_in_work) {
  const Pulse pulse = pulse_during([](auto& taken) {
    while (!taken) {
    }
  });
  EXPECT_LT(pulse.stalled_s(), 0.3);
}

TEST(Pulse, goes_on_while_other_threads_work) {
  const Pulse pulse = pulse_during([](auto& taken) {
    std::thread([&] {
      while (!taken) {
      }
    }).join();
  });
  EXPECT_LT(pulse.stalled_s(), 0.3);
}

TEST(Pulse, stops_in_reading_and_says_so) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::thread writer;
  const Pulse pulse = pulse_during([&](auto& taken) {
    writer = std::thread([&, to = ends[1]] {
      while (!taken) std::this_thread::sleep_for(10ms);
      close(to);
    });
    char byte = 0;
    EXPECT_EQ(read(ends[0], &byte, 1), 0);
  });
  writer.join();
  close(ends[0]);
  EXPECT_GT(pulse.stalled_s(), 0.3);
  EXPECT_TRUE(pulse.on_file());
}

}  // namespace
}  // namespace ptychoflow::comm
