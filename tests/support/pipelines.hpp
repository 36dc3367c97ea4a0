// Small pipelines of the stages for tests, run by the real program.
#pragma once

#include "tests/support/program.hpp"

namespace ptychoflow::test {

/// Runs `stages`, the YAML list of a pipeline; `words`: further command-line arguments.
class PipelineRun {
 public:
  Launch what;

  explicit PipelineRun(const std::string& stages, std::vector<std::string> words = {},
                       const std::string& verb = "run") {
    file = folder.write("pipeline.yaml", "name: test\nstages: [" + stages + "]\n");
    what.command = {PROGRAM, verb, file};
    what.command.insert(what.command.end(), words.begin(), words.end());
    what.environment = {{"PTYCHOFLOW_STAGE_PATH", std::string(TEST_STAGES) + ":" + BROKEN_STAGES},
                        {"PTYCHOFLOW_TEST_TRACE", trace_file}};
  }

  Ended go() const { return launch(what); }

  /// What the stages noted, one event a line.
  std::string trace() const { return read_text(trace_file); }

  TemporaryFolder folder{};
  std::string file{};
  std::string trace_file = folder / "trace";
};

}  // namespace ptychoflow::test
