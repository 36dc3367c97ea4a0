// The command line of the real program: what it prints and with which code it ends.
#include <gtest/gtest.h>

#include <regex>

#include "tests/support/pipelines.hpp"

namespace ptychoflow::test {
namespace {

Ended ptychoflow(std::vector<std::string> words, const std::string& stages = TEST_STAGES) {
  words.insert(words.begin(), PROGRAM);
  return launch({.command = words, .environment = {{"PTYCHOFLOW_STAGE_PATH", stages}}});
}

TEST(CommandLine, help_names_the_commands_and_exit_codes) {
  const Ended ended = ptychoflow({"--help"});
  EXPECT_EQ(ended.exit_code, 0);
  for (const char* word : {"run", "check", "stages", "130 interrupted"}) {
    EXPECT_NE(ended.out.find(word), std::string::npos) << word;
  }
  EXPECT_NE(ptychoflow({"run", "--help"}).out.find("--backend"), std::string::npos);
}

TEST(CommandLine, version_names_program_and_libraries) {
  const Ended ended = ptychoflow({"--version"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_TRUE(std::regex_search(ended.out, std::regex("^ptychoflow [0-9]+\\.[0-9]+\\.[0-9]+\n"))) << ended.out;
  EXPECT_TRUE(std::regex_search(ended.out, std::regex("hdf5 [0-9]+\\."))) << ended.out;
  EXPECT_TRUE(std::regex_search(ended.out, std::regex("fftw [0-9]+\\."))) << ended.out;
}

TEST(CommandLine, mistakes_end_with_2_and_the_nearest_right_name) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> mistakes = {
      {{}, "no command"},
      {{"rnu", "x.yaml"}, "unknown command 'rnu'; did you mean 'run'?"},
      {{"run"}, "FILE is required"},
      {{"run", "x.yaml", "--repotr", "y"}, "unknown option '--repotr'; did you mean '--report'?"},
      {{"run", "x.yaml", "y.yaml"}, "unknown argument 'y.yaml'"},
      {{"run", "x.yaml", "--backend", "gpu"}, "--backend: gpu not in"},
      {{"run", "x.yaml", "--threads", "0"}, "--threads"},
      {{"run", "x.yaml", "--patience", "-1"}, "--patience"},
      {{"run", "x.yaml", "--set", "input"}, "--set input: expected name=value"},
      {{"run", "x.yaml", "-v", "-q"}, "--quiet"},
      {{"run", "missing.yaml"}, "missing.yaml: there is no such file"},
      {{"stages", "act_sorce"}, "there is no stage 'act_sorce'; did you mean 'act_source'?"},
  };
  for (const auto& [words, says] : mistakes) {
    const Ended ended = ptychoflow(words);
    EXPECT_EQ(ended.exit_code, 2) << says;
    EXPECT_TRUE(ended.says("[error] ") && ended.says(says)) << "expected: " << says << "\ngot: " << ended.err;
  }
}

TEST(Stages, are_listed_with_what_they_do) {
  const Ended ended = ptychoflow({"stages"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_TRUE(std::regex_search(ended.out, std::regex("act_source +Sends numbers, or misbehaves\n"))) << ended.out;
  EXPECT_TRUE(std::regex_search(ended.out, std::regex("tiny +Three packets of four numbers, from C\n"))) << ended.out;
}

TEST(Stages, one_that_is_broken_does_not_hide_the_others) {
  const TemporaryFolder folder;
  folder.write("ptychoflow_stage_stray.so", "not a shared object");
  const Ended with_stray = ptychoflow({"stages"}, folder.path().string() + ":" + TEST_STAGES);
  EXPECT_EQ(with_stray.exit_code, 0);
  EXPECT_TRUE(std::regex_search(with_stray.out,
                                std::regex("stray +cannot be used: .*ptychoflow_stage_stray.so: cannot be opened")))
      << with_stray.out;
  EXPECT_NE(with_stray.out.find("tiny"), std::string::npos);
  EXPECT_EQ(ptychoflow({"stages", "stray"}, folder.path().string()).exit_code, 4);
}

TEST(Stages, one_is_explained_with_its_parameters) {
  const Ended ended = ptychoflow({"stages", "act_source"});
  EXPECT_EQ(ended.exit_code, 0);
  for (const char* text : {"Sends numbers, or misbehaves", "nothing: it is a source", "numbers", "packets",
                           "how many a source sends", "ptychoflow_stage_act_source.so"}) {
    EXPECT_NE(ended.out.find(text), std::string::npos) << text << "\n" << ended.out;
  }
}

TEST(Check, goes_through_configure_and_shows_what_flows) {
  const PipelineRun run("{stage: act_source}, {stage: act}", {}, "check");
  const Ended ended = run.go();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_NE(ended.out.find("pipeline.yaml: OK"), std::string::npos) << ended.out;
  EXPECT_TRUE(std::regex_search(ended.out, std::regex("act_source +numbers +float64 \\[\\?,2\\] +row:x, m\n")))
      << ended.out;
  EXPECT_TRUE(std::regex_search(ended.out, std::regex("act +-\n"))) << ended.out;
  EXPECT_NE(run.trace().find("act configure"), std::string::npos);
  EXPECT_EQ(run.trace().find("process"), std::string::npos) << "no data may move";
}

TEST(Check, a_stage_without_its_input_is_refused) {
  const Ended first = PipelineRun("{stage: act}", {}, "check").go();
  EXPECT_EQ(first.exit_code, 2);
  EXPECT_TRUE(first.says("pipeline.yaml: /stages/0: act needs `numbers`; no earlier stage provides it")) << first.err;
}

TEST(Check, a_source_in_the_middle_is_refused) {
  const Ended ended = PipelineRun("{stage: act_source}, {stage: tiny}", {}, "check").go();
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_TRUE(ended.says("pipeline.yaml: /stages/1: tiny is a source")) << ended.err;
}

TEST(Run, an_unknown_stage_is_refused_with_the_nearest_name) {
  const Ended ended = PipelineRun("{stage: act_sorce}").go();
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_TRUE(ended.says("act_sorce") && ended.says("act_source")) << ended.err;
}

TEST(Log, verbosity_decides_what_is_shown) {
  const std::string stages = "{stage: act_source, params: {in: configure, how: log, packets: 0}}";
  const Ended usual = PipelineRun(stages).go();
  EXPECT_TRUE(usual.says("[warning] act_source: of interest to all\n")) << usual.err;
  EXPECT_TRUE(usual.says("[info] act_source: of interest to some\n"));
  EXPECT_FALSE(usual.says("of interest to few"));
  EXPECT_TRUE(PipelineRun(stages, {"-v"}).go().says("[debug] act_source: of interest to few\n"));
  const Ended quiet = PipelineRun(stages, {"-q"}).go();
  EXPECT_TRUE(quiet.says("of interest to all"));
  EXPECT_FALSE(quiet.says("of interest to some"));
}

}  // namespace
}  // namespace ptychoflow::test
