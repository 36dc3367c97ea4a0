#include "core/comm/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ptychoflow::comm {

void Judge::watch(int rank, std::string host, double now_s) {
  ranks_[rank] = {std::move(host), now_s, false, {.activity = "the start"}};
}

void Judge::hear(int rank, Beat beat, double now_s) {
  const auto found = ranks_.find(rank);
  if (found == ranks_.end()) return;
  found->second.heard_s = now_s;
  found->second.beat = std::move(beat);
}

void Judge::lose(int rank) {
  if (const auto found = ranks_.find(rank); found != ranks_.end()) found->second.lost = true;
}

void Judge::forgive(double now_s) {
  for (auto& [number, rank] : ranks_) rank.heard_s = now_s;
}

std::optional<Fault> Judge::fault(double now_s) const {
  for (const auto& [number, rank] : ranks_) {
    if (rank.lost) return Fault{number, verdict_on(number, rank, now_s)};  // before what may follow from it
  }
  for (const auto& [number, rank] : ranks_) {
    if (std::string text = verdict_on(number, rank, now_s); !text.empty()) return Fault{number, std::move(text)};
  }
  const auto stuck = [&](const auto& entry) { return entry.second.beat.waits_s > long_limit_s_; };
  if (ranks_.size() < 2 || !std::ranges::all_of(ranks_, stuck)) return std::nullopt;
  const auto& [number, rank] = *ranks_.begin();
  return Fault{number, fmt::format("all ranks have waited for each other for {:.0f} s, rank {} on {} in {}: the "
                                   "network that MPI uses does not work",
                                   rank.beat.waits_s, number, rank.host, rank.beat.activity)};
}

/// What is wrong with it, or nothing.
std::string Judge::verdict_on(int number, const Rank& rank, double now_s) const {
  const std::string who = fmt::format("rank {} on {}", number, rank.host);
  const Beat& beat = rank.beat;
  if (rank.lost) {
    return fmt::format("{} died, last seen in {}: it was killed, by hand or for want of memory, or a library ended it",
                       who, beat.activity);
  }
  if (const double silence_s = now_s - rank.heard_s; silence_s > limit_s_) {
    return fmt::format(
        "{} has not been heard of for {:.1f} s, last seen in {}: it was stopped, or its machine or its "
        "network is lost",
        who, silence_s, beat.activity);
  }
  if (beat.stalled_s > (beat.on_file ? long_limit_s_ : limit_s_) && is_waited_for(number, rank)) {
    return fmt::format("{} hangs in {}: it has {} for {:.1f} s, and others wait for it", who, beat.activity,
                       beat.on_file ? "waited for a file" : "not moved", beat.stalled_s);
  }
  return {};
}

bool Judge::is_waited_for(int number, const Rank& rank) const {
  return std::ranges::any_of(ranks_, [&](const auto& entry) {
    const Beat& other = entry.second.beat;
    const bool sleeps = other.stalled_s > 0.5 * limit_s_;
    return entry.first != number && other.waits_s > limit_s_ && (rank.beat.waits_s == 0 || !sleeps);
  });
}

}  // namespace ptychoflow::comm
