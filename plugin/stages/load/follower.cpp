#include "plugin/stages/load/follower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <thread>
#include <utility>

#include "core/base/error.hpp"

namespace ptychoflow::load {
namespace {

/// Files on servers are not to be opened all the time; who iterates meanwhile is not to wait.
constexpr std::chrono::milliseconds between_looks{200}, a_moment{20};

}  // namespace

Follower::Follower(std::string file, const Follow& settings, std::function<Found()> find,
                   std::function<bool()> should_stop)
    : file_(std::move(file)), settings_(settings), find_(std::move(find)), should_stop_(std::move(should_stop)) {}

void Follower::wait_for_frames() {
  for (Sight sight = look(); sight.frames == 0; sight = look()) {
    if (sight.end == End::none) continue;
    if (fault_) throw Error(ErrorCode::data, *fault_);
    throw Error(ErrorCode::data,
                sight.end == End::timed_out
                    ? fmt::format("{}: no frame has come in {} s: start the scan, or raise follow: timeout_s", file_,
                                  settings_.timeout_s)
                    : fmt::format("{}: it was closed without a frame", file_));
  }
}

Sight Follower::look() {
  if (Clock::now() - last_look_ < between_looks) {
    std::this_thread::sleep_for(a_moment);
    return {seen_, should_stop_() ? End::stopped : End::none};
  }
  last_look_ = Clock::now();
  bool closed = false;
  try {
    const Found found = find_();
    const Index frames = std::min(found.frames, settings_.frames.value_or(std::numeric_limits<Index>::max()));
    closed = !found.is_growing;
    if (frames > seen_) {
      seen_ = frames;
      last_news_ = Clock::now();
    }
    fault_.reset();
  } catch (const Error& e) {
    if (e.code() != ErrorCode::data) throw;
    fault_ = e.what();  // it may not be there yet, or just be written
  }
  return {seen_, end(closed)};
}

End Follower::end(bool closed) const {
  if (seen_ == settings_.frames || closed) return End::complete;
  if (should_stop_()) return End::stopped;
  return Clock::now() - last_news_ > std::chrono::duration<double>(settings_.timeout_s) ? End::timed_out : End::none;
}

}  // namespace ptychoflow::load
