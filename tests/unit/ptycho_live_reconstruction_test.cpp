// Views that come while the iteration goes on.
#include "core/ptycho/live_reconstruction.hpp"

#include <gtest/gtest.h>

#include "core/ptycho/gpu.hpp"
#include "core/ptycho/kernels_batched.hpp"
#include "tests/support/host_queue.hpp"
#include "tests/support/simulated_scan.hpp"

namespace ptychoflow::ptycho {
namespace {

Wish keep_going(const IterationFigures&) { return Wish::go_on; }

struct LiveScan : testing::Test {
  const test::SimulatedScan<float> scan{{0.7, 0.3}};
  device::ThreadPool threads{2};
  const std::unique_ptr<Kernels<float>> kernels = make_cpu_kernels<float>(threads, scan.layout.frame);
  Settings settings;

  void take(LiveReconstruction<float>& live, Index views) const {
    const auto problem = scan.first(views);
    live.take(problem, scan.start(problem.layout(), 2));
  }

  static void iterate(LiveReconstruction<float>& live, int times) {
    for (int i = 0; i < times; ++i) live.iterate();
  }
};

TEST_F(LiveScan, AWholeScanIsReconstructedAsAnyOther) {
  settings.iterations = 15;
  const auto problem = scan.first(49);
  const auto expected = reconstruct(problem, scan.start(problem.layout(), 2), settings, *kernels, {}, keep_going);
  LiveReconstruction<float> live(settings, *kernels, {});
  take(live, 49);
  const auto found = live.finish(keep_going);
  EXPECT_TRUE(std::ranges::equal(found.object, expected.object));
  EXPECT_TRUE(std::ranges::equal(found.probe, expected.probe));
  EXPECT_EQ(found.r_factor, expected.r_factor);
  EXPECT_EQ(found.history.size(), 15u);
}

TEST_F(LiveScan, TakingNothingNewChangesNothing) {
  LiveReconstruction<float> once(settings, *kernels, {}), again(settings, *kernels, {});
  take(once, 30);
  iterate(once, 12);
  take(again, 30);
  iterate(again, 6);
  take(again, 30);
  iterate(again, 6);
  EXPECT_EQ(again.history().back().iteration, 12);
  EXPECT_EQ(again.history().back().fourier_error, once.history().back().fourier_error);
  EXPECT_EQ(again.history().back().exit_wave_change, once.history().back().exit_wave_change);
  again.look();
  once.look();
  EXPECT_TRUE(std::ranges::equal(again.seen().object, once.seen().object));
}

TEST_F(LiveScan, WhatIsSeenIsWhatThereWasAtTheLook) {
  LiveReconstruction<float> live(settings, *kernels, {});
  take(live, 49);
  iterate(live, 6);
  live.look();
  const Result<float> at_once = live.seen();
  live.look();
  iterate(live, 3);
  const Result<float> later = live.seen();
  EXPECT_TRUE(std::ranges::equal(later.object, at_once.object));
  EXPECT_TRUE(std::ranges::equal(later.probe, at_once.probe));
  EXPECT_TRUE(std::ranges::equal(later.coverage, at_once.coverage));
  EXPECT_EQ(later.history.size(), 6U);
  EXPECT_EQ(later.r_factor, at_once.history.back().fourier_error);
  settings.iterations = 10;
  EXPECT_EQ(live.finish(keep_going).history.size(), 19U) << "the iteration itself has gone on";
}

TEST_F(LiveScan, ViewsThatComeLaterJoinWithoutAStartAnew) {
  LiveReconstruction<float> live(settings, *kernels, {});
  take(live, 25);
  iterate(live, 30);
  const double before = live.history().back().fourier_error;
  take(live, 28);
  EXPECT_EQ(live.view_count(), 28);
  // Three views out of 28 start from a guess: R is worse, but by far not what it was at the start.
  EXPECT_LT(live.iterate().fourier_error, 0.5 * (before + live.history().front().fourier_error));
}

// Some exit waves stay on the device, others come and go: those of a view may change from one kind to the other.
TEST(LiveScanOnADevice, KeepsExitWavesWhereverTheyLie) {
  test::SimulatedScan<double> scan({0.7, 0.3});
  scan.guess.object = ObjectRandom{};  // as in tests/parity/reconstruction_test.cpp
  device::ThreadPool threads(2);
  const auto cpu = make_cpu_kernels<double>(threads, scan.layout.frame);
  const auto batches = [](const Workload& work) {
    return BatchPlan{.batch_views = 4,
                     .lanes = 3,
                     .exit_waves_on_host = true,
                     .resident_views = work.views / 8 * 4,
                     .magnitudes_on_host = true};
  };
  test::GuardedMemory memory;
  BatchedKernels<double, test::HostQueue> device(test::HostQueue(memory), scan.layout.frame, ObjectSum::gather,
                                                 batches);
  const Settings settings;
  std::vector<double> errors[2];
  for (Kernels<double>* kernels : {cpu.get(), static_cast<Kernels<double>*>(&device)}) {
    LiveReconstruction<double> live(settings, *kernels, {});
    for (const Index views : {15, 22, 49}) {
      const auto problem = scan.first(views);
      live.take(problem, scan.start(problem.layout(), 2));
      for (int i = 0; i < 4; ++i) errors[kernels != cpu.get()].push_back(live.iterate().fourier_error);
    }
  }
  ASSERT_EQ(errors[1].size(), 12U);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_NEAR(errors[1][i], errors[0][i], 1e-9) << i;
}

// What is seen leaves the card while it iterates on.
TEST(LiveScanOnAGpu, WhatIsSeenIsWhatThereWasAtTheLook) {
  std::unique_ptr<Gpu> gpu;
  try {
    gpu = open_gpu({.object_sum = ObjectSum::gather, .live = true}, {});
  } catch (const Error& e) {
    GTEST_SKIP() << e.what();
  }
  test::SimulatedScan<double> scan({0.7, 0.3});
  scan.guess.object = ObjectRandom{};
  device::ThreadPool threads(2);
  const auto kernels = gpu->double_kernels(scan.layout.frame);
  const auto cpu = make_cpu_kernels<double>(threads, scan.layout.frame);
  const Settings settings;
  LiveReconstruction<double> live(settings, *kernels, {}), expected(settings, *cpu, {});
  const auto iterate = [&] {
    const double error = expected.iterate().fourier_error;
    EXPECT_NEAR(live.iterate().fourier_error, error, 1e-9);
  };
  for (const Index views : {22, 49}) {
    const auto problem = scan.first(views);
    live.take(scan.first(views, gpu->memory()), scan.start(problem.layout(), 2));
    expected.take(problem, scan.start(problem.layout(), 2));
    iterate();
    for (const int iterations_meanwhile : {0, 1, 2}) {
      expected.look();
      live.look();
      const auto there_was = expected.seen();
      for (int i = 0; i < iterations_meanwhile; ++i) iterate();
      const auto seen = live.seen();
      EXPECT_EQ(seen.history.size(), there_was.history.size());
      for (Index i = 0; i < seen.object.size(); ++i)
        ASSERT_NEAR(abs(seen.object.data()[i] - there_was.object.data()[i]), 0, 1e-8) << i;
      for (Index i = 0; i < seen.probe.size(); ++i)
        ASSERT_NEAR(abs(seen.probe.data()[i] - there_was.probe.data()[i]), 0, 1e-5) << i;
      for (Index i = 0; i < seen.coverage.size(); ++i)
        ASSERT_NEAR(seen.coverage.data()[i], there_was.coverage.data()[i], 1e-6) << i;
    }
  }
}

TEST_F(LiveScan, EndsAsGoodAsAScanThatWasCompleteAtOnce) {
  settings.iterations = 720;
  const auto whole = scan.first(49);
  const auto offline = reconstruct(whole, scan.start(whole.layout(), 2), settings, *kernels, {}, keep_going);
  LiveReconstruction<float> live(settings, *kernels, {});
  for (const Index views : {15, 22, 30, 38, 46, 49}) {
    take(live, views);
    iterate(live, 10);
  }
  const auto found = live.finish(keep_going);
  EXPECT_EQ(found.history.size(), 780u);
  EXPECT_EQ(found.history.back().iteration, 780);
  EXPECT_LT(found.r_factor, 1.02 * offline.r_factor);
}

}  // namespace
}  // namespace ptychoflow::ptycho
