// The order of calls, the firewall, crashes, and who releases tensors.
#include <gtest/gtest.h>

#include "tests/support/pipelines.hpp"

namespace ptychoflow::test {
namespace {

TEST(LifeCycle, calls_come_in_order) {
  const PipelineRun run("{stage: act_source, params: {packets: 2}}, {stage: act}");
  const Ended ended = run.go();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(run.trace(),
            "act_source create\n"
            "act create\n"
            "act_source configure\n"
            "act configure\n"
            "act_source process\n"
            "act process\n"
            "act_source process\n"
            "act process\n"
            "act_source finalize\n"
            "act finalize\n"
            "act destroy\n"
            "act_source destroy\n");
}

TEST(LifeCycle, a_failure_in_configure_destroys_what_was_created) {
  const PipelineRun run("{stage: act_source, params: {in: configure, how: data_error}}, {stage: act}");
  const Ended ended = run.go();
  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_TRUE(ended.says("act_source: the data are bad: mend them")) << ended.err;
  EXPECT_TRUE(ended.says("ptychoflow_stage_act_source.so")) << ended.err;
  EXPECT_EQ(run.trace(), "act_source create\nact create\nact_source configure\nact destroy\nact_source destroy\n");
}

TEST(LifeCycle, a_throwing_stage_downstream_is_the_one_that_is_blamed) {
  const PipelineRun run(
      "{stage: act_source}, {stage: act, id: middle}, {stage: act, id: last, params: {in: process, how: exception}}");
  const Ended ended = run.go();
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_TRUE(ended.says("[error] last: an unforeseen thing")) << ended.err;
  EXPECT_FALSE(ended.says("middle:")) << ended.err;
  EXPECT_FALSE(ended.says("act_source:")) << ended.err;
  EXPECT_EQ(run.trace().find("finalize"), std::string::npos) << "not called after an error";
  EXPECT_NE(run.trace().find("act_source destroy"), std::string::npos);
}

TEST(LifeCycle, what_is_no_exception_class_is_caught_too) {
  const Ended ended = PipelineRun("{stage: act_source, params: {in: process, how: number}}").go();
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_TRUE(ended.says("act_source: an exception of unknown type")) << ended.err;
}

TEST(LifeCycle, a_finalize_that_fails_is_reported) {
  const Ended ended = PipelineRun("{stage: act_source}, {stage: act, params: {in: finalize, how: data_error}}").go();
  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_TRUE(ended.says("act: the data are bad")) << ended.err;
  EXPECT_TRUE(ended.says("in finalize")) << ended.err;
}

struct Crash {
  std::string callback, how, says;
};
class CrashingStage : public testing::TestWithParam<Crash> {};

TEST_P(CrashingStage, is_named) {
  const auto& [callback, how, says] = GetParam();
  const Ended ended =
      PipelineRun("{stage: act_source}, {stage: act, id: faulty, params: {in: " + callback + ", how: " + how + "}}")
          .go();
  EXPECT_EQ(ended.exit_code, 1) << ended.err;
  EXPECT_TRUE(ended.says("stage 'faulty' (")) << ended.err;
  EXPECT_TRUE(ended.says("ptychoflow_stage_act.so) crashed in " + callback + ": " + says)) << ended.err;
}

INSTANTIATE_TEST_SUITE_P(All, CrashingStage,
                         testing::Values(Crash{"configure", "segfault", "segmentation fault"},
                                         Crash{"process", "segfault", "segmentation fault"},
                                         Crash{"process", "deep_stack", "segmentation fault"},
                                         Crash{"finalize", "abort", "aborted"}),
                         [](const auto& test) { return test.param.callback + "_" + test.param.how; });

TEST(TensorOwnership, each_is_released_once_when_nobody_takes_it) {
  const PipelineRun run("{stage: tiny}");
  EXPECT_EQ(run.go().exit_code, 0);
  EXPECT_EQ(run.trace(), "tiny released 3 of 3\n");
}

TEST(TensorOwnership, each_is_released_once_when_it_is_passed_on) {
  const PipelineRun run("{stage: tiny}, {stage: act}, {stage: act}");
  EXPECT_EQ(run.go().exit_code, 0);
  EXPECT_NE(run.trace().find("tiny released 3 of 3\n"), std::string::npos) << run.trace();
}

TEST(TensorOwnership, each_is_released_once_when_it_is_kept_to_the_end) {
  const PipelineRun run("{stage: tiny}, {stage: act, params: {how: keep}}");
  EXPECT_EQ(run.go().exit_code, 0);
  EXPECT_NE(run.trace().find("tiny released 3 of 3\n"), std::string::npos) << run.trace();
}

TEST(TensorOwnership, it_is_released_once_when_the_receiver_fails) {
  const PipelineRun run("{stage: tiny}, {stage: act, params: {in: process, how: exception}}");
  EXPECT_EQ(run.go().exit_code, 1);
  EXPECT_NE(run.trace().find("tiny released 1 of 1\n"), std::string::npos) << run.trace();
}

}  // namespace
}  // namespace ptychoflow::test
