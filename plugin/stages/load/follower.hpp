// Looks how far a scan is that another program is writing.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "core/base/view.hpp"
#include "plugin/stages/load/parameters.hpp"

namespace ptychoflow::load {

/// Why no more frames will come.
enum class End { none, complete, timed_out, stopped };

struct Sight {
  Index frames = 0;  ///< that are there
  End end = End::none;
};

/// What a look into the file finds.
struct Found {
  Index frames = 0;
  bool is_growing = false;
};

class Follower {
 public:
  /// @param find         opens the file and counts its frames; throws Error (data) while it cannot be read
  /// @param should_stop  the user wants the run to end
  Follower(std::string file, const Follow& settings, std::function<Found()> find, std::function<bool()> should_stop);

  /// Waits for the first frames.
  /// @throws Error (data) if there are none in time, or the file is closed without any
  void wait_for_frames();

  /// Looks for frames. Comes back soon, with news or without.
  /// @throws Error (data) if the file cannot be read any more, once the time is over
  Sight look();

 private:
  using Clock = std::chrono::steady_clock;
  End end(bool closed) const;

  std::string file_;
  Follow settings_;
  std::function<Found()> find_;
  std::function<bool()> should_stop_;
  Index seen_ = 0;
  std::optional<std::string> fault_;  ///< why the file could not be read at the last look
  Clock::time_point last_look_{}, last_news_ = Clock::now();
};

}  // namespace ptychoflow::load
