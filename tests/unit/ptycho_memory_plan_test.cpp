// What a reconstruction takes of memory, and where it goes if that is too much.
#include "core/ptycho/memory_plan.hpp"

#include <gtest/gtest.h>

#include "core/base/error.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::ptycho {
namespace {

constexpr std::uint64_t MiB = 1 << 20, GiB = 1 << 30;

/// The case of Fig. 4 of the paper: 10000 frames of 188×188 in double precision.
Workload paper(Index probe_modes) {
  return {.frame = {188, 188},
          .object = {1000, 1000},
          .views = 10000,
          .scan_views = 10000,
          .probe_modes = probe_modes,
          .real_bytes = 8};
}

TEST(MemoryPlan, CountsThePapersCase) {
  const auto plan = plan_memory(paper(5), {.host_bytes = 100 * GiB});
  EXPECT_EQ(plan.exit_waves, 188ull * 192 * 10000 * 5 * 16);  // strips of 8 columns
  EXPECT_EQ(plan.magnitudes, 188ull * 188 * 10000 * 8);
  EXPECT_FALSE(plan.exit_waves_in_scratch);
  EXPECT_EQ(plan.traffic_per_iteration, 0U);
  EXPECT_EQ(plan.in_memory, plan.total());
}

TEST(MemoryPlan, HasThePapersFootprint) {
  // Section III: about three times the raw data with one mode, over ten times with five.
  Workload work{.frame = {200, 200}, .object = {1000, 1000}, .views = 40000, .scan_views = 40000, .real_bytes = 8};
  const auto times_raw = [&] {
    return static_cast<double>(plan_memory(work, {.host_bytes = 1000 * GiB}).total()) / (200.0 * 200 * 40000 * 8);
  };
  EXPECT_NEAR(times_raw(), 3, 0.1);
  work.probe_modes = 5;
  EXPECT_NEAR(times_raw(), 11, 0.1);
}

TEST(MemoryPlan, ATooSmallBudgetIsRefusedWithFiguresAndChoices) {
  test::expect_error([&] { plan_memory(paper(5), {.host_bytes = 8 * GiB}); }, ErrorCode::resource,
                     {"exit waves", "8192.0 MiB", "more ranks", "scratch: DIR"});
}

TEST(MemoryPlan, ExitWavesGoToScratchFirst) {
  const Workload work = paper(5);
  const auto plan = plan_memory(work, {.host_bytes = 8 * GiB, .scratch = true, .threads = 2});
  EXPECT_TRUE(plan.exit_waves_in_scratch);
  EXPECT_FALSE(plan.magnitudes_in_scratch);
  EXPECT_LE(plan.in_memory, 8 * GiB);
  EXPECT_GE(plan.in_memory, 7 * GiB);  // it is used
  EXPECT_EQ(plan.in_scratch, plan.exit_waves);
  EXPECT_GE(plan.resident_slabs, 3);
  EXPECT_LE(plan.traffic_per_iteration, 3 * plan.exit_waves);
  EXPECT_GE(plan.traffic_per_iteration, plan.exit_waves);
}

TEST(MemoryPlan, MagnitudesFollow) {
  const auto plan = plan_memory(paper(5), {.host_bytes = 2 * GiB, .scratch = true, .threads = 2});
  EXPECT_TRUE(plan.magnitudes_in_scratch);
  EXPECT_EQ(plan.in_scratch / 10000, (plan.exit_waves + plan.magnitudes) / 10000);
  EXPECT_LE(plan.in_memory, 2 * GiB);
}

TEST(MemoryPlan, ABudgetBelowThreeSlabsIsRefused) {
  test::expect_error([&] { plan_memory(paper(5), {.host_bytes = 150 * MiB, .scratch = true, .threads = 2}); },
                     ErrorCode::resource, {"too little even with scratch"});
}

TEST(MemoryPlan, MoreRanksNeedLessEach) {
  Workload half = paper(5);
  half.views /= 2, half.object.y /= 2;
  EXPECT_LT(plan_memory(half, {.host_bytes = 100 * GiB}).total(),
            plan_memory(paper(5), {.host_bytes = 100 * GiB}).total() * 51 / 100);
}

TEST(MemoryPlan, WhileViewsJoinExitWavesAreThereTwice) {
  Workload work = paper(2);
  const auto still = plan_memory(work, {.host_bytes = 1000 * GiB});
  work.live = true;
  EXPECT_EQ(plan_memory(work, {.host_bytes = 1000 * GiB}).in_memory, still.in_memory + still.exit_waves);
}

TEST(MemoryPlan, IsPrintedWithPlacesAndSizes) {
  const MemoryBudget budget{.host_bytes = 2 * GiB, .scratch = true, .threads = 2};
  const std::string text = describe(plan_memory(paper(5), budget), budget);
  for (const char* word : {"exit waves", "scratch", "on the disk", "may be used", "2048.0 MiB", "disk traffic"})
    EXPECT_NE(text.find(word), std::string::npos) << word;
}

TEST(Sizes, AreReadWithTheirUnits) {
  EXPECT_EQ(bytes_of("8GiB"), 8 * GiB);
  EXPECT_EQ(bytes_of("1.5 MiB"), 3 * MiB / 2);
  EXPECT_EQ(bytes_of("500kB"), 500000U);
  EXPECT_EQ(bytes_of("auto"), std::nullopt);
  for (const char* wrong : {"8", "8G", "GiB", "-1GiB", "lots", "8 gib", "0B", ""}) {
    test::expect_error([&] { bytes_of(wrong); }, ErrorCode::usage, {"unit", wrong});
  }
}

}  // namespace
}  // namespace ptychoflow::ptycho
