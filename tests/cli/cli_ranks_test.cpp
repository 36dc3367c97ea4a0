// Several ranks: a failure of one ends all, soon, with that rank's words and exit code.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/comm/rendezvous.hpp"
#include "tests/support/pipelines.hpp"

namespace ptychoflow::test {
namespace {

constexpr double soon_s = 20;  // the patience of a failed rank, and mpirun's own time to start and end, generously

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

Ended on_ranks(int ranks, PipelineRun& run) {
  run.what.ranks = ranks;
  run.what.limit_s = soon_s;
  return run.go();
}

TEST(Ranks, run_to_the_end_together) {
  const TemporaryFolder folder;
  PipelineRun run(
      "{stage: act_source, params: {in: process, how: agree}}, {stage: act, params: {in: process, how: barrier}}",
      {"--report", folder / "report.json"});
  const Ended ended = on_ranks(3, run);
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  const auto report = nlohmann::json::parse(read_text(folder / "report.json"));
  EXPECT_EQ(report["ranks"], 3);
  EXPECT_EQ(report["memory_peak_bytes"].size(), 3u);
  EXPECT_GE(report["threads"], 1);
}

TEST(Ranks, one_that_fails_while_others_wait_in_agree_ends_all) {
  PipelineRun run(
      "{stage: act_source, params: {in: process, how: data_error, rank: 1}}, {stage: act, params: {in: process, how: "
      "agree}}");
  const Ended ended = on_ranks(2, run);
  EXPECT_EQ(ended.exit_code, 3) << ended.err;
  EXPECT_EQ(count(ended.err, "[error] rank 1 on " + comm::host_name() + ": act_source: the data are bad"), 1u)
      << ended.err;
  EXPECT_EQ(count(run.trace(), "act_source destroy"), 2u) << "both ranks tidy up";
}

TEST(Ranks, one_that_fails_while_others_are_stuck_in_a_barrier_ends_all) {
  const TemporaryFolder folder;
  PipelineRun run(
      "{stage: act_source, params: {in: process, how: data_error, rank: 1}}, {stage: act, params: {in: process, how: "
      "barrier}}",
      {"--report", folder / "report.json"});
  const Ended ended = on_ranks(2, run);
  EXPECT_EQ(ended.exit_code, 3) << ended.err;
  EXPECT_EQ(count(ended.err, "[error] rank 1 on " + comm::host_name() + ": act_source: the data are bad"), 1u)
      << ended.err;
  EXPECT_EQ(count(run.trace(), "act_source destroy"), 1u) << "the failed rank tidies up before it ends the others";
  const auto report = nlohmann::json::parse(read_text(folder / "report.json"));
  EXPECT_EQ(report["error"]["rank"], 1);
}

TEST(Ranks, one_that_fails_in_configure_ends_all) {
  PipelineRun run("{stage: act_source, params: {in: configure, how: data_error, rank: 0}}, {stage: act}");
  const Ended ended = on_ranks(2, run);
  EXPECT_EQ(ended.exit_code, 3) << ended.err;
  EXPECT_EQ(count(ended.err, "[error] rank 0 on " + comm::host_name() + ": act_source: the data are bad"), 1u)
      << ended.err;
}

TEST(Ranks, a_failure_of_all_is_told_once_and_without_rank) {
  PipelineRun run("{stage: act_source, params: {in: process, how: data_error}}");
  const Ended ended = on_ranks(2, run);
  EXPECT_EQ(ended.exit_code, 3) << ended.err;
  EXPECT_EQ(count(ended.err, "the data are bad"), 1u) << ended.err;
  EXPECT_TRUE(ended.says("[error] act_source: the data are bad")) << ended.err;
}

TEST(Ranks, one_that_crashes_is_named_and_ends_all) {
  PipelineRun run(
      "{stage: act_source}, {stage: act, params: {in: process, how: segfault, rank: 1}}, {stage: act, params: {in: "
      "process, how: agree}}");
  const Ended ended = on_ranks(2, run);
  EXPECT_NE(ended.exit_code, 0);
  EXPECT_NE(ended.exit_code, -1) << "had to be killed";
  EXPECT_TRUE(ended.says("[error] rank 1 on " + comm::host_name() + ": stage 'act' (")) << ended.err;
}

TEST(Ranks, mistakes_on_the_command_line_are_told_once) {
  const Ended ended = launch({.command = {PROGRAM, "run", "missing.yaml"}, .ranks = 2, .limit_s = soon_s});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_EQ(count(ended.err, "there is no such file"), 1u) << ended.err;
}

TEST(Ranks, stop_together_when_mpirun_passes_a_signal_on) {
  PipelineRun run("{stage: act_source, params: {packets: 1, in: process, how: wait_for_stop}}, {stage: act}");
  run.what.meanwhile = [&run](pid_t mpirun, const std::string&) {
    for (int i = 0; i < 1000 && count(run.trace(), "act_source process") < 2; ++i) usleep(10000);
    kill(mpirun, SIGUSR1);
  };
  const Ended ended = on_ranks(2, run);
  EXPECT_EQ(ended.exit_code, 130) << ended.err;
  EXPECT_EQ(count(run.trace(), "act finalize"), 2u);
}

}  // namespace
}  // namespace ptychoflow::test
