// Ranks that watch each other, so that none waits for one that is gone. MPI does not tell: a rank that was stopped,
// hangs or lost its network holds all others up for ever.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/comm/communicator.hpp"
#include "core/comm/judge.hpp"
#include "core/comm/rendezvous.hpp"

namespace ptychoflow::comm {

/// What a process does when it must end because of a fault. All are called on the watch's thread, with the main thread
/// anywhere, and the process ends after them.
struct LastActs {
  int exit_code = 1;                       ///< when a rank is lost
  std::function<void(const Fault&)> tell;  ///< the user; on one rank, first of all
  std::function<bool()> expected;          ///< true: the launcher is ending the run, and nobody is told who goes first
  std::function<void()> tidy;              ///< on every rank, last
};

/// A thread in each rank. Every twentieth of the patience it sends a beat to the root by TCP, and the root to all. The
/// root judges all, the others the root (Judge); on a fault the root tells the user and has all ranks end, and if it is
/// the root that is lost, the deputy tells and each ends itself. MPI is not touched: it belongs to the main thread.
class Watch {
 public:
  /// Collective. @throws Error (other) if MPI reports a fault
  Watch(const Communicator& ranks, double patience_s, LastActs acts);

  /// Says good-bye; the root waits for everyone's. To be called when MPI is finished with.
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Ranks that cannot be watched, since there is no way by TCP from them to the root.
  const std::vector<int>& unwatched() const { return meeting_.missing; }

  /// The user knows why this run fails: the others are to end at once, without a word. [any-thread, async-signal-safe]
  void end_others(int exit_code) const noexcept;

 private:
  void run();
  void wait(double limit_s);
  void read(double now_s);
  void beat(double now_s, class Pulse& pulse);
  void act_on(const Fault& fault, double now_s);
  [[noreturn]] void end(int exit_code);

  int rank_;
  double interval_s_;
  LastActs acts_;
  Meeting meeting_;
  Judge judge_;
  double fault_since_s_ = 0;                  // the root is lost, and it is the deputy's turn to speak; 0: it is not
  std::atomic<bool> leaving_{false};          // set by the destructor, which then wakes the thread
  mutable std::atomic<bool> spoken_ = false;  ///< this rank has told the others to end: what follows is no news
  Socket wake_;                               // an eventfd
  std::thread thread_;
};

}  // namespace ptychoflow::comm
