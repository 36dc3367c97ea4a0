// Interrupting a run.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace ptychoflow::test
