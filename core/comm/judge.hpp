// Who of the ranks that are watched is lost: what was heard of them goes in, a fault comes out. No clock, no network.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace ptychoflow::comm {

/// What a rank says of itself, again and again.
struct Beat {
  double stalled_s = 0;  ///< since it last moved (Pulse)
  bool on_file = false;  ///< it waits for a file
  double waits_s = 0;    ///< since it began to wait for other ranks; 0: it does not
  std::string activity{};
};

struct Fault {
  int rank = 0;
  std::string message;  ///< names rank, host and cause
};

/// Times are seconds of one clock, any.
class Judge {
 public:
  /// A run is to end within `patience_s` of a fault: what decides is 0.7 of it, and the rest is for ending.
  explicit Judge(double patience_s) : limit_s_(0.7 * patience_s), long_limit_s_(30 * patience_s) {}

  void watch(int rank, std::string host, double now_s);
  void hear(int rank, Beat beat, double now_s);

  /// It has said good-bye: nothing more is expected of it.
  void leave(int rank) { ranks_.erase(rank); }

  /// Its connection ended, and it has not said good-bye.
  void lose(int rank);

  /// We have not listened for a while, stopped or starved ourselves: nobody else's silence counts.
  void forgive(double now_s);

  /// - a lost connection: died
  /// - nothing heard for the limit: stopped, or machine or link lost
  /// - no sign of life for the limit while another rank waits: hung. Within MPI a thread that sleeps may do so rightly;
  ///   there it is hung if another, waiting too, does not sleep: it is the same MPI.
  /// - the same in waiting for a file: a disk, a server or a tape may be slow, and is given the long limit, 30 ×
  /// patience
  /// - all ranks in MPI for the long limit: its network is stuck
  std::optional<Fault> fault(double now_s) const;

  double limit_s() const { return limit_s_; }

 private:
  struct Rank {
    std::string host;
    double heard_s = 0;
    bool lost = false;
    Beat beat;
  };

  std::string verdict_on(int rank, const Rank& of, double now_s) const;
  bool is_waited_for(int rank, const Rank& of) const;

  double limit_s_, long_limit_s_;
  std::map<int, Rank> ranks_;
};

}  // namespace ptychoflow::comm
