// A pipeline run within another program, on files or on its arrays.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/comm/session.hpp"
#include "plugin/embed/array_stages.hpp"
#include "plugin/host/progress.hpp"

namespace ptychoflow::embed {

struct Job {
  std::optional<std::string> text;  ///< the pipeline; none: it is in a file
  std::string name;                 ///< of that file, or what faults call the text
  std::map<std::string, std::string> variables;
  std::vector<std::string> stage_folders;
  int threads = 0;  ///< 0: every core of this process
  std::string backend = "auto";
  std::string command;  ///< what results say they were made by
  bool check_only = false, quiet = false;
};

struct Outcome {
  comm::Verdict verdict;
  stage::Json streams = stage::Json::array(), figures = stage::Json::object(), skipped_scans = stage::Json::array();
};

/// MPI, if a launcher started this program: from the first call until `end_session`.
comm::Session& session();
/// Whether there has been a first call.
bool has_session();
void end_session();

/// Runs the pipeline, or checks it. With `exchange` it may have the stages `arrays` and `result`, which take the scan
/// from there and bring the result. Faults are in the verdict. Collective; one run at a time in a process.
Outcome run(const Job& job, Exchange* exchange, const host::Screen::Observer& observer);

}  // namespace ptychoflow::embed
