// Interrupting a run.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "core/io/atomic_file.hpp"
#include "plugin/host/signals.hpp"
#include "tests/support/pipelines.hpp"

namespace ptychoflow::test {
namespace {

class StopSignal : public testing::TestWithParam<int> {};

TEST_P(StopSignal, lets_the_stage_finish_and_ends_with_130) {
  PipelineRun run("{stage: act_source, params: {packets: 1, in: process, how: wait_for_stop}}, {stage: act}");
  run.what.meanwhile = [](pid_t program, const std::string& err) {
    ASSERT_TRUE(wait_for_text(err, "waiting to be stopped"));
    kill(program, GetParam());
  };
  const Ended ended = run.go();
  EXPECT_EQ(ended.exit_code, 130) << ended.err;
  EXPECT_TRUE(ended.says("[warning] interrupted")) << ended.err;
  EXPECT_NE(run.trace().find("act process\n"), std::string::npos) << "what was reached is passed on";
  EXPECT_NE(run.trace().find("act finalize\n"), std::string::npos);
  EXPECT_NE(run.trace().find("act_source destroy\n"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(All, StopSignal, testing::Values(SIGINT, SIGTERM, SIGUSR1),
                         [](const auto& test) { return std::string(sigabbrev_np(test.param)); });

TEST(SecondInterrupt, ends_at_once) {
  PipelineRun run("{stage: act_source, params: {in: process, how: sleep}}");
  run.what.meanwhile = [](pid_t program, const std::string& err) {
    ASSERT_TRUE(wait_for_text(err, "deaf to all"));
    kill(program, SIGINT);
    ASSERT_TRUE(wait_for_text(err, "interrupt again"));
    kill(program, SIGINT);
  };
  const Ended ended = run.go();
  EXPECT_EQ(ended.exit_code, 130);
  EXPECT_EQ(run.trace().find("destroy"), std::string::npos);
}

/// As a run does that a watch may stop: what came to nothing is tried again.
[[noreturn]] void write_and_be_stopped(const std::string& file, io::Overwrite overwrite) {
  host::install_signal_handlers(0, 1, "here");
  host::end_at_once_when_stopped();
  io::AtomicFile result(file, overwrite);
  std::ofstream(result.temporary()) << "a result";
  result.commit();
  raise(SIGTERM);
  _exit(EXIT_SUCCESS);
}

[[noreturn]] void be_stopped_early() {
  host::install_signal_handlers(0, 1, "here");
  raise(SIGTERM);
  host::end_at_once_when_stopped();
  _exit(EXIT_SUCCESS);
}

TEST(WholeOrNothing, holds_for_a_stop_before_the_command_line_was_read) {
  EXPECT_EXIT(be_stopped_early(), testing::ExitedWithCode(130), "");
}

TEST(WholeOrNothing, is_decided_by_the_first_file_that_may_not_be_replaced) {
  const TemporaryFolder folder;
  EXPECT_EXIT(write_and_be_stopped(folder / "a", io::Overwrite::allow), testing::ExitedWithCode(130), "");
  EXPECT_EXIT(write_and_be_stopped(folder / "b", io::Overwrite::refuse), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace ptychoflow::test
