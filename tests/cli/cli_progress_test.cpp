// The progress line: its text, and how it shows on a terminal and elsewhere.
#include <gtest/gtest.h>

#include "plugin/host/progress.hpp"
#include "tests/support/pipelines.hpp"

namespace ptychoflow::test {
namespace {

using host::progress_line;

TEST(ProgressLine, shows_bar_count_text_and_time_left) {
  EXPECT_EQ(progress_line({"dm", 60, 200, "R 0.12", 65}, 0),
            "dm [######--------------]   60/200   30 %  R 0.12  1:05 left");
  EXPECT_EQ(progress_line({"dm", 200, 200, "", -1}, 0), "dm [####################]  200/200  100 %");
  EXPECT_EQ(progress_line({"dm", 1, 3, "", 3723}, 0), "dm [######--------------]  1/3   33 %  1:02:03 left");
}

TEST(ProgressLine, without_a_total_it_only_counts) { EXPECT_EQ(progress_line({"load", 7, 0, "", -1}, 0), "load  7"); }

TEST(ProgressLine, beyond_the_total_it_stays_full) {
  EXPECT_EQ(progress_line({"dm", 5, 4, "", -1}, 0), "dm [####################]  5/4  100 %");
}

TEST(ProgressLine, is_cut_by_characters_not_bytes) {
  EXPECT_EQ(progress_line({"εε", 7, 0, "", -1}, 2), "εε");
  EXPECT_EQ(progress_line({"εε", 7, 0, "", -1}, 3), "εε ");
}

const std::string stages = "{stage: act_source, params: {in: process, how: progress, packets: 1}}";
const std::string last_line = "act_source [####################]  50/50  100 %  R 0.1";

TEST(Progress, off_a_terminal_a_quick_stage_prints_one_line) {
  EXPECT_EQ(PipelineRun(stages).go().err, last_line + "\n");
  EXPECT_EQ(PipelineRun(stages, {"-q"}).go().err, "");
}

TEST(Progress, on_a_terminal_one_line_is_redrawn) {
  PipelineRun run(stages);
  run.what.terminal = true;
  const std::string shown = run.go().err;
  EXPECT_EQ(shown.rfind("\ract_source [--------------------]   0/50", 0), 0u) << shown;
  EXPECT_NE(shown.find("\r" + last_line + "\x1b[K"), std::string::npos) << shown;
  EXPECT_EQ(shown.find('\n'), shown.size() - 1) << "it is left once, at the end";
}

TEST(Progress, on_a_terminal_log_lines_go_above_it) {
  PipelineRun run(stages + ", {stage: act, params: {in: process, how: log}}");
  run.what.terminal = true;
  const std::string shown = run.go().err;
  EXPECT_NE(shown.find("\r\x1b[K[warning] act: of interest to all\r\n" + last_line), std::string::npos) << shown;
}

}  // namespace
}  // namespace ptychoflow::test
