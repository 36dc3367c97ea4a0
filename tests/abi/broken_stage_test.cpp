// A stage that is not what it should be gets a message with its file and the reason, and the right exit code.
#include <gtest/gtest.h>

#include "tests/support/pipelines.hpp"

namespace ptychoflow::test {
namespace {

struct Case {
  std::string stage;
  int exit_code;
  std::vector<std::string> says;
};

class BrokenStage : public testing::TestWithParam<Case> {};

TEST_P(BrokenStage, is_named_with_the_reason) {
  const auto& [stage, exit_code, says] = GetParam();
  const Ended ended = PipelineRun("{stage: " + stage + "}").go();
  EXPECT_EQ(ended.exit_code, exit_code) << ended.err;
  EXPECT_TRUE(ended.says("ptychoflow_stage_" + stage + ".so")) << ended.err;
  for (const auto& text : says) EXPECT_TRUE(ended.says(text)) << "expected: " << text << "\ngot: " << ended.err;
}

INSTANTIATE_TEST_SUITE_P(
    All, BrokenStage,
    testing::Values(Case{"other_abi", 4, {"version 2 of the stage interface", "this program has version 1"}},
                    Case{"no_symbol", 4, {"does not export the function ptychoflow_stage"}},
                    Case{"undefined_symbol", 4, {"undefined symbol: function_of_another_library"}},
                    Case{"missing_library", 4, {"libptychoflow-test-another.so: cannot open shared object file"}},
                    Case{"no_descriptor", 4, {"returned NULL instead of a descriptor"}},
                    Case{"no_callback", 4, {"garbled: finalize must not be NULL"}},
                    Case{"bad_struct_size", 4, {"garbled: struct_size is"}},
                    Case{"other_name", 4, {"holds stage 'somebody_else', but its file's name says 'other_name'"}},
                    Case{"bad_schema", 4, {"parameters_schema is not JSON"}},
                    Case{"crash_on_load", 1, {"crashed in ptychoflow_stage: segmentation fault"}},
                    Case{"no_instance", 4, {"create returned NULL"}},
                    Case{"silent_error", 3, {"silent_error: it failed without saying why", "in configure"}},
                    Case{"bad_description", 1, {"tensor `frames` has dtype \"float\"; there are uint8"}},
                    Case{"bad_status", 1, {"it returned 57, which is no status of configure"}},
                    Case{"emits_early", 1, {"it emitted a packet before process"}},
                    Case{"bad_packet", 1, {"it emitted tensor `frames` without its array"}}),
    [](const auto& test) { return test.param.stage; });

TEST(BrokenStage, one_that_cannot_leave_a_scan_is_refused_where_it_must) {
  PipelineRun run("");
  run.folder.write("pipeline.yaml", "name: test\non_error: skip\nstages: [{stage: tiny}]\n");
  const Ended ended = run.go();
  EXPECT_EQ(ended.exit_code, 2) << ended.err;
  EXPECT_TRUE(ended.says("tiny: on_error: skip, but this stage cannot leave a scan: set on_error: stop")) << ended.err;
}

}  // namespace
}  // namespace ptychoflow::test
