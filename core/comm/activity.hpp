// What this process is doing, for those who watch it: the main thread says it here, any thread may ask.
#pragma once

#include <string>

namespace ptychoflow::comm {

/// While it lives, the main thread does `what`, as in "ptycho_dm (process)". Nests.
class Doing {
 public:
  explicit Doing(std::string what);
  ~Doing();
  Doing(const Doing&) = delete;
  Doing& operator=(const Doing&) = delete;

  /// How far the innermost is, as in "12 of 200".
  static void at(std::string step);

 private:
  std::string outer_, outer_step_;
};

/// While it lives, the main thread is in a call that returns only when other ranks have come. Nests.
class Waiting {
 public:
  Waiting();
  ~Waiting();
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  bool outermost_;
};

/// What the innermost `Doing` says, and how far it is.
std::string current_activity();

/// Seconds since the main thread began to wait for other ranks; 0 if it does not.
double waiting_s();

}  // namespace ptychoflow::comm
