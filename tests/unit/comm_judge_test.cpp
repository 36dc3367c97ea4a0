// Who is lost, from what was heard: every case with patience 10, so that 7 s decide, and 300 s where much is allowed.
#include <gtest/gtest.h>

#include "core/comm/judge.hpp"

namespace ptychoflow::comm {
namespace {

class OfThree : public testing::Test {
 protected:
  OfThree() {
    judge.watch(0, "east", 0);
    judge.watch(1, "east", 0);
    judge.watch(2, "west", 0);
  }

  /// What all three say at `now_s`.
  void hear(double now_s, const Beat& zero, const Beat& one, const Beat& two) {
    judge.hear(0, zero, now_s);
    judge.hear(1, one, now_s);
    judge.hear(2, two, now_s);
  }

  void expect_fault(double now_s, int rank, const std::string& words) const {
    const auto fault = judge.fault(now_s);
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->rank, rank);
    EXPECT_NE(fault->message.find(words), std::string::npos) << fault->message;
  }

  Judge judge{10};
  const Beat works{.activity = "work"};
  const Beat waits{.waits_s = 400, .activity = "work"};
};

TEST_F(OfThree, silence_is_a_fault_after_the_limit) {
  judge.hear(0, works, 7);
  judge.hear(1, works, 7);
  EXPECT_FALSE(judge.fault(6.9));
  expect_fault(7.1, 2, "rank 2 on west has not been heard of for 7.1 s");
}

TEST_F(OfThree, silence_is_forgiven_by_one_that_was_deaf) {
  judge.forgive(100);
  EXPECT_FALSE(judge.fault(106));
  EXPECT_TRUE(judge.fault(108));
}

TEST_F(OfThree, a_lost_connection_is_a_death_unless_it_said_good_bye) {
  judge.hear(2, {.activity = "save (process), 3 of 4"}, 1);
  judge.leave(1);
  judge.lose(1);
  EXPECT_FALSE(judge.fault(1));
  judge.lose(2);
  expect_fault(1, 2, "rank 2 on west died, last seen in save (process), 3 of 4");
}

TEST_F(OfThree, a_death_goes_before_what_follows_from_it) {
  hear(100, {.stalled_s = 50, .activity = "work"}, waits, waits);
  judge.lose(2);
  expect_fault(100, 2, "died");
}

TEST_F(OfThree, one_that_does_not_move_hangs_if_others_wait_for_it) {
  const Beat hangs{.stalled_s = 7.5, .activity = "load (process)"};
  hear(100, works, hangs, works);
  EXPECT_FALSE(judge.fault(100)) << "it may wait for a detector: who knows";
  hear(100, {.waits_s = 6}, hangs, works);
  EXPECT_FALSE(judge.fault(100)) << "nobody has waited for long";
  hear(100, {.waits_s = 8}, hangs, works);
  expect_fault(100, 1, "rank 1 on east hangs in load (process)");
}

TEST_F(OfThree, a_long_step_is_no_hang) {
  hear(1000, waits, {.stalled_s = 0.5, .activity = "work"}, waits);
  EXPECT_FALSE(judge.fault(1000));
}

TEST_F(OfThree, a_file_is_given_more_time) {
  hear(100, waits, {.stalled_s = 290, .on_file = true, .activity = "load (process)"}, waits);
  EXPECT_FALSE(judge.fault(100));
  hear(100, waits, {.stalled_s = 310, .on_file = true, .activity = "load (process)"}, waits);
  expect_fault(100, 1, "waited for a file");
}

TEST_F(OfThree, within_mpi_one_that_sleeps_while_others_do_not_hangs) {
  const Beat sleeps{.stalled_s = 20, .waits_s = 20};
  hear(100, sleeps, sleeps, sleeps);
  EXPECT_FALSE(judge.fault(100)) << "an MPI that sleeps while it waits";
  hear(100, {.waits_s = 20}, sleeps, {.waits_s = 20});
  expect_fault(100, 1, "hangs");
}

TEST_F(OfThree, all_that_wait_for_each_other_for_very_long_are_stuck) {
  hear(500, waits, waits, works);
  EXPECT_FALSE(judge.fault(500));
  hear(500, waits, waits, {.waits_s = 290});
  EXPECT_FALSE(judge.fault(500));
  hear(500, waits, waits, waits);
  expect_fault(500, 0, "all ranks have waited for each other");
}

}  // namespace
}  // namespace ptychoflow::comm
