// The plan of a GPU's memory, on the paper's cases and at its limits.
#include "core/ptycho/batch_plan.hpp"

#include <gtest/gtest.h>

#include "core/base/error.hpp"

namespace ptychoflow::ptycho {
namespace {

constexpr std::uint64_t GiB = std::uint64_t{1} << 30;
const DeviceFacts h200{139 * GiB, 60 << 20, 132 * 2048};
const DeviceFacts v100{16 * GiB, 6 << 20, 80 * 2048};

/// Fig. 4 of the paper: 10000 views of 188², 5 probe modes.
Workload figure_4(Index real_bytes) { return {{188, 188}, {1600, 1600}, 10000, 10000, 5, 1, real_bytes}; }

TEST(BatchPlan, HoldsThePapersFourthFigure) {
  const auto twofold = plan_batches(figure_4(8), h200), single = plan_batches(figure_4(4), h200);
  EXPECT_EQ(twofold.exit_waves, 10000ULL * 188 * 188 * 5 * 16);
  EXPECT_EQ(twofold.magnitudes, 10000ULL * 188 * 188 * 8);
  EXPECT_EQ(single.exit_waves, twofold.exit_waves / 2);
  EXPECT_LT(twofold.total(), twofold.exit_waves + twofold.magnitudes + 2 * GiB);
}

TEST(BatchPlan, TakesLittleBesideExitWavesAndMagnitudes) {
  // The paper's programs took about 3 times the raw data (32-bit counts) for one mode and 10 times for five, in
  // single precision.
  Workload work = figure_4(4);
  const double raw = 10000.0 * 188 * 188 * 4;
  EXPECT_LT(static_cast<double>(plan_batches(work, h200).total()), 11.5 * raw);
  work.probe_modes = 1;
  EXPECT_LT(static_cast<double>(plan_batches(work, h200).total()), 3.5 * raw);
}

TEST(BatchPlan, RefusesWhatDoesNotFitWithTheFiguresAndAWayOut) {
  try {
    plan_batches(figure_4(8), v100);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::resource);
    const std::string message = e.what();
    for (const char* part : {"exit waves", "26965.3 MiB", "free on the device", "16384.0 MiB", "more ranks"}) {
      EXPECT_NE(message.find(part), std::string::npos) << part << " in\n" << message;
    }
  }
}

TEST(BatchPlan, ExitWavesThatDoNotFitStayWithTheProcessor) {
  DeviceFacts facts = v100;
  facts.host_bytes = 64 * GiB;
  const auto plan = plan_batches(figure_4(8), facts);
  EXPECT_TRUE(plan.exit_waves_on_host && plan.magnitudes_on_host);
  EXPECT_EQ(plan.lanes, 3);
  EXPECT_LE(plan.total(), facts.free_bytes);
  EXPECT_GT(plan.total() + plan.transform_work, facts.free_bytes * 9 / 10) << "what there is room for stays";
  EXPECT_EQ(plan.resident_views % plan.block_views, 0);
  EXPECT_EQ(plan.block_views % plan.batch_views, 0);
  EXPECT_GT(plan.block_views, 200);
  const auto share_away = 1 - static_cast<double>(plan.resident_views) / 10000;
  EXPECT_DOUBLE_EQ(static_cast<double>(plan.exit_waves_away), share_away * static_cast<double>(plan.exit_waves));
  EXPECT_EQ(plan.traffic_per_iteration(), 3 * plan.exit_waves_away + plan.magnitudes);
  EXPECT_FALSE(plan_batches(figure_4(8), {139 * GiB, 60 << 20, 132 * 2048, 64 * GiB}).exit_waves_on_host);
  facts.host_bytes = 16 * GiB;  // too little as well
  EXPECT_THROW(plan_batches(figure_4(8), facts), Error);
}

TEST(BatchPlan, MagnitudesLeaveTheDeviceFirst) {
  DeviceFacts facts = h200;
  facts.host_bytes = 64 * GiB;
  const auto roomy = plan_batches(figure_4(8), facts);
  facts.free_bytes = roomy.total() - roomy.magnitudes / 2;
  const auto plan = plan_batches(figure_4(8), facts);
  EXPECT_TRUE(plan.magnitudes_on_host && !plan.exit_waves_on_host);
  EXPECT_EQ(plan.traffic_per_iteration(), plan.magnitudes);
  EXPECT_EQ(plan.on_host(), plan.magnitudes);
  EXPECT_GT(plan.block_views, plan.batch_views);
  EXPECT_LE(plan.total(), facts.free_bytes);
  Workload work = figure_4(8);
  work.magnitudes = MagnitudesLie::on_the_device;  // once they are there they stay
  const auto beside = plan_batches(work, facts);
  EXPECT_TRUE(!beside.magnitudes_on_host && beside.exit_waves_on_host);
  EXPECT_GT(beside.resident_views, 8000);
  work.magnitudes = MagnitudesLie::with_the_processor;
  EXPECT_TRUE(plan_batches(work, facts).magnitudes_on_host);
  EXPECT_THROW(plan_batches(work, h200), Error) << "none of the processor's memory may be used";
}

TEST(BatchPlan, TheNextScansMagnitudesHaveRoomWhereTheyTakeNobodysPlace) {
  Workload work = figure_4(8);
  const auto alone = plan_batches(work, h200);
  EXPECT_EQ(alone.next_magnitudes, 0U);
  work.next_follows = true;
  const auto both = plan_batches(work, h200);
  EXPECT_EQ(both.next_magnitudes, both.magnitudes);
  EXPECT_EQ(both.total(), alone.total() + alone.magnitudes);
  DeviceFacts tight = h200;
  tight.free_bytes = both.total() - 1;
  const auto without = plan_batches(work, tight);
  EXPECT_EQ(without.total(), alone.total()) << "batches do not get smaller for it";
  tight.free_bytes = alone.total() - alone.magnitudes / 2;
  tight.host_bytes = 64 * GiB;
  const auto away = plan_batches(work, tight);
  EXPECT_TRUE(away.magnitudes_on_host) << "then they come from where the next scan's lie, too";
  EXPECT_EQ(away.on_host(), 2 * alone.magnitudes);
  tight.host_bytes = alone.magnitudes;
  EXPECT_EQ(plan_batches(work, tight).on_host(), alone.magnitudes);
  EXPECT_EQ(plan_batches(work, tight).next_magnitudes, 0U);
  work.magnitudes = MagnitudesLie::on_the_device;
  EXPECT_EQ(plan_batches(work, h200).next_magnitudes, both.magnitudes);
}

TEST(BatchPlan, ViewsThatJoinTakeTheirExitWavesTwiceAndPreviewsACopyOfTheFields) {
  Workload work = figure_4(4);
  const auto plan = plan_batches(work, h200);
  work.live = true;
  constexpr std::uint64_t preview = (1600 * 1600 * (2 + 1) + 188 * 188 * 5 * 2) * 4;  // O and the light on it, P
  EXPECT_EQ(plan_batches(work, h200).total(), plan.total() + plan.exit_waves + preview);
}

TEST(BatchPlan, SharedOverFourRanksItFits) {
  Workload work = figure_4(8);
  work.views = 2500;
  EXPECT_LT(plan_batches(work, v100).total(), v100.free_bytes);
}

TEST(BatchPlan, BatchesStayInTheCacheButKeepTheDeviceBusy) {
  Workload work{{64, 64}, {500, 500}, 5000, 5000, 1, 1, 4};
  const auto plan = plan_batches(work, h200);
  const auto wave = std::uint64_t{64} * 64 * 8;
  EXPECT_LE(static_cast<std::uint64_t>(plan.batch_views * plan.lanes) * wave * 3, h200.l2_bytes);
  EXPECT_GE(plan.batch_views * 64 * 64, h200.resident_threads / 2);
  const Workload large{{1024, 1024}, {4000, 4000}, 100, 100, 3, 1, 8};  // a single view is more than the cache
  EXPECT_EQ(plan_batches(large, h200).batch_views, 1);
}

TEST(BatchPlan, BatchesAreEqualAndNoLargerThanTheScan) {
  const Workload small{{32, 32}, {100, 100}, 49, 49, 1, 1, 4};
  EXPECT_EQ(plan_batches(small, h200).batch_views, 49);
  Workload work = figure_4(4);
  const Index batch = plan_batches(work, h200).batch_views;
  const Index batches = (work.views + batch - 1) / batch;
  EXPECT_LE(batches * batch - work.views, batches) << "the last batch is as full as the others, within one view each";
}

TEST(BatchPlan, TakesSmallerBatchesBeforeItGivesUp) {
  Workload work = figure_4(4);
  const auto roomy = plan_batches(work, h200);
  DeviceFacts tight = h200;
  tight.free_bytes = roomy.total() - (roomy.batch_waves + roomy.transform_work) / 3;
  const auto plan = plan_batches(work, tight);
  EXPECT_LT(plan.batch_views, roomy.batch_views);
  EXPECT_LE(plan.total(), tight.free_bytes);
  EXPECT_THROW(plan_batches(work, tight, roomy.batch_views), Error) << "a batch that was asked for is not made smaller";
}

TEST(BatchPlan, ABatchIsNoMoreThanALaunchTakes) {
  const Workload tiny{{4, 4}, {1000, 1000}, 200000, 200000, 1, 1, 4};
  EXPECT_LE(plan_batches(tiny, h200).batch_views, most_views_in_a_batch);
  EXPECT_EQ(plan_batches(tiny, h200, 150000).batch_views, most_views_in_a_batch);
}

TEST(BatchPlan, ARankWithoutViewsHasAPlan) {
  Workload work = figure_4(4);
  work.views = 0;
  EXPECT_EQ(plan_batches(work, h200).batch_views, 1);
  EXPECT_EQ(plan_batches(work, h200).exit_waves, 0U);
}

}  // namespace
}  // namespace ptychoflow::ptycho
