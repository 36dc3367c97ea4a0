// This process among its fellows: MPI for as long as the object lives, if a launcher started us.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/comm/team.hpp"
#include "core/comm/watch.hpp"

namespace ptychoflow::comm {

/// MPI_Init_thread to MPI_Finalize (funneled: call from the main thread only) when the environment shows a launcher;
/// otherwise a serial run of one rank that never touches MPI. If MPI has been started already, it is used as it is. One
/// object a process. MPI errors throw Error (other).
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int rank() const { return everyone_->rank(); }
  int size() const { return everyone_->size(); }

  /// All ranks of the run.
  Team& everyone() const { return *everyone_; }

  /// Cores that this process may use (its affinity mask), each divided among the ranks that may use it; at least 1.
  int cores() const;

  /// From now on ranks watch each other: one that dies, hangs or is lost ends the run within `patience_s`, on all ranks
  /// (Watch). 0: they do not; nor does a serial run. Collective. Returns the ranks that cannot be watched, since there
  /// is no way by TCP from them to rank 0.
  std::vector<int> watch(double patience_s, LastActs acts);

  /// Ends all ranks at once, wherever they are. The user has been told why.
  [[noreturn]] void abort(int exit_code) const;

 private:
  struct Mpi;
  std::unique_ptr<Mpi> mpi_;
  std::unique_ptr<Team> everyone_;
  std::unique_ptr<Watch> watch_;
};

/// Has the ranks that watch this one end at once, without a word, since the user has been told why.
/// [any-thread, async-signal-safe]
void end_other_ranks(int exit_code) noexcept;

/// Name and version of the MPI library, e.g. "Open MPI v4.1.4".
std::string mpi_library_version();

}  // namespace ptychoflow::comm
