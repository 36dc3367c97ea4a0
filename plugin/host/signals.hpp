// Signals: those that ask the run to stop, and those by which a stage's crash shows.
#pragma once

#include <string>

#include "core/comm/activity.hpp"

namespace ptychoflow::host {

/// SIGINT, SIGTERM and SIGUSR1 (which mpirun forwards) set the stop flag; a second SIGINT ends the process at once with
/// 128 + its number. SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT print which stage was running, end the other ranks and
/// exit with 1. Call once, after MPI has started (its own handlers go).
void install_signal_handlers(int rank, int rank_count, const std::string& host);

/// From now on the first signal that asks the run to stop ends it, as a second SIGINT would: without any result. Once
/// one is there (io::has_lasting_file), it is not heeded, and the run comes to its end.
void end_at_once_when_stopped();

/// What the user is told at the first such signal, in place of what is true of runs. `text` must not go.
void say_when_stopped(const char* text);

/// The user wants the run to end early.
bool stop_requested();

/// For programs that have their own ways to be told so: sets or takes back that wish.
void request_stop(bool wish);

/// SIGTERM came half a second ago or more. mpirun sends it when it ends a run, and kills what is left after a second;
/// it comes at once, too, when a rank has died: then this is still false when that is noticed.
bool terminating();

/// While it lives, a crash, or a fault that other ranks see, is blamed on this stage. Nests, because a stage's emit
/// runs the next stage. The texts must outlive it. `stage`: its id.
class StageCall {
 public:
  StageCall(const char* stage, const char* file, const char* callback);
  ~StageCall();
  StageCall(const StageCall&) = delete;
  StageCall& operator=(const StageCall&) = delete;

 private:
  friend void on_crash(int);
  const char* stage_;
  const char* file_;
  const char* callback_;
  const StageCall* outer_;
  comm::Doing doing_;
};

}  // namespace ptychoflow::host
