// This process among its fellows: MPI for as long as the object lives, if a launcher started us; and the agreement by
// which no rank waits for one that has failed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/comm/watch.hpp"

namespace ptychoflow::comm {

/// Why one rank cannot go on.
struct Failure {
  int rank = 0;
  ErrorCode code = ErrorCode::other;
  std::string origin;  ///< the part that failed; empty: none in particular
  std::string message;
  std::string host{};  ///< the rank's machine; set by `Session::agree`
};

/// What the ranks know of each other after `Session::agree`.
struct Verdict {
  std::vector<Failure> failures;  ///< by rank; empty: all is well
  bool abandoned = false;         ///< this rank failed and the others did not come: only `Session::abort` ends them

  bool ok() const { return failures.empty(); }
};

/// How long a rank that failed waits for the others: they may be stuck where they need it, or about to come.
enum class Patience {
  seconds,
  minutes,  ///< the others may read a scan first
};

/// MPI_Init_thread to MPI_Finalize (funneled: call from the main thread only) when the environment shows a launcher;
/// otherwise a serial run of one rank that never touches MPI. One object a process. MPI errors throw Error (other).
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int rank() const;
  int size() const;

  /// Cores that this process may use (its affinity mask), each divided among the ranks that may use it; at least 1.
  int cores() const;

  /// Collective: every rank brings its failure, or none, and all leave with the same verdict. A healthy rank waits
  /// (asleep) for as long as it takes. A rank that failed waits for `patience`: if the others do not come, they are
  /// stuck in some other collective, and its verdict is `abandoned`. Once a verdict is not ok, every later call returns
  /// it at once.
  Verdict agree(const std::optional<Failure>& mine, Patience patience = Patience::seconds);

  /// After a verdict that is not ok, and not abandoned: all is well again, on all ranks alike.
  void forgive() { verdict_ = {}; }

  /// Collective: everyone's number, by rank.
  std::vector<double> gather(double mine) const;

  /// Collective: address of an MPI_Comm with all ranks, freed with its last owner if all is well by then; null in a
  /// serial run. Must not outlive the session.
  std::shared_ptr<void> duplicate() const;

  /// From now on ranks watch each other: one that dies, hangs or is lost ends the run within `patience_s`, on all ranks
  /// (Watch). 0: they do not; nor does a serial run. Collective. Returns the ranks that cannot be watched, since there
  /// is no way by TCP from them to rank 0.
  std::vector<int> watch(double patience_s, LastActs acts);

  /// Ends all ranks at once, wherever they are. The user has been told why.
  [[noreturn]] void abort(int exit_code) const;

 private:
  struct Mpi;
  std::unique_ptr<Mpi> mpi_;
  std::unique_ptr<Watch> watch_;
  Verdict verdict_;
};

/// Has the ranks that watch this one end at once, without a word, since the user has been told why.
/// [any-thread, async-signal-safe]
void end_other_ranks(int exit_code) noexcept;

/// Name and version of the MPI library, e.g. "Open MPI v4.1.4".
std::string mpi_library_version();

}  // namespace ptychoflow::comm
