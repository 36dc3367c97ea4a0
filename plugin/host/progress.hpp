// What the user sees while a run goes on: log lines and one progress line, on the same stream (stderr).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "plugin/api/stage.h"

namespace spdlog {
class logger;
}

namespace ptychoflow::host {

enum class Verbosity { quiet, normal, debug };

/// How far a stage is.
struct ProgressState {
  std::string stage;
  std::int64_t done = 0;
  std::int64_t total = 0;  ///< 0: not known
  std::string text;        ///< what else is worth seeing
  double seconds_left = -1;
};

/// One line such as "ptycho_dm [###-------]  60/200  30 %  R 0.12  1:05 left", cut to `columns` characters (0: any
/// length).
std::string progress_line(const ProgressState& state, int columns);

/// The stream that log and progress share, so that neither tears the other. Rank 0 shows everything that the verbosity
/// allows; other ranks show warnings and errors, with their number and machine.
class Screen {
 public:
  /// `host`: the name of this machine.
  Screen(Verbosity verbosity, int rank, std::string host);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  using Observer = std::function<void(const std::string& stage, const ptychoflow_progress& progress)>;

  /// Is told on every rank, whatever the verbosity, before anything is drawn.
  void observe(Observer observer) { observer_ = std::move(observer); }

  /// [any thread]
  void log(ptychoflow_log_level level, const std::string& text) const;

  /// [main thread] Redraws at most ten times a second on a terminal; otherwise a plain line every five seconds, and one
  /// when all is done.
  void progress(const std::string& stage, const ptychoflow_progress& progress);

  /// [main thread] Shows the last state if it has not been shown, and leaves the progress line.
  void end_progress();

 private:
  class Sink;
  using Clock = std::chrono::steady_clock;

  void show();

  std::shared_ptr<Sink> sink_;
  std::unique_ptr<spdlog::logger> logger_;
  Verbosity verbosity_;
  int rank_;
  std::string host_;
  Observer observer_;
  ProgressState state_;
  std::int64_t first_done_ = 0;
  Clock::time_point first_time_;
  Clock::time_point shown_time_;
  bool unseen_ = false;
};

}  // namespace ptychoflow::host
