// A process that works on one scan.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "plugin/host/watch/journal.hpp"

namespace ptychoflow::host {

/// How a process ended: by itself with a code, or by a signal.
struct JobEnd {
  int code = 0;
  int signal = 0;
  double seconds = 0;
};

/// It is asked to end (SIGTERM) if this program dies, and killed by its destructor.
class Job {
 public:
  /// @param command  the program, looked for on PATH, and its arguments
  /// @param log  what it prints is appended to it
  /// @throws Error (resource) if it cannot be started
  Job(const std::vector<std::string>& command, const std::filesystem::path& log);
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  ProcessMark process() const { return process_; }
  std::optional<JobEnd> ended();  ///< does not wait
  void ask_to_end() const;
  void end_by_force() const;  ///< it, and what it started in its process group

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  ProcessMark process_;
  std::optional<JobEnd> end_;
};

}  // namespace ptychoflow::host
