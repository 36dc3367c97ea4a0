// Ranks that work together, all of a run or some of them, and the agreement by which no rank waits for one that failed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.hpp"

namespace ptychoflow::comm {

/// Why one rank cannot go on.
struct Failure {
  int rank = 0;  ///< of the run
  ErrorCode code = ErrorCode::other;
  std::string origin;  ///< the part that failed; empty: none in particular
  std::string message;
  std::string host{};  ///< the rank's machine; set by `Team::agree`
};

/// What the ranks know of each other after `Team::agree`.
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

/// Ranks in a row. MPI errors throw Error (other). Must not outlive the session.
class Team {
 public:
  /// `mpi_comm`: address of the MPI_Comm whose ranks these are, or null: this rank alone, without MPI. Collective.
  explicit Team(const void* mpi_comm = nullptr);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /// Collective: a team for each `ranks_each` ranks, in order, which must divide `size`. Returns the caller's.
  std::unique_ptr<Team> split(int ranks_each) const;

  int rank() const { return rank_; }
  int size() const { return size_; }

  /// Collective: every rank brings its failure, or none, and all leave with the same verdict. A healthy rank waits
  /// (asleep) for as long as it takes. A rank that failed waits for `patience`: if the others do not come, they are
  /// stuck in some other collective, and its verdict is `abandoned`. Once a verdict is not ok, every later call returns
  /// it at once.
  Verdict agree(const std::optional<Failure>& mine, Patience patience = Patience::seconds);

  /// After a verdict that is not ok, and not abandoned: all is well again, on all ranks alike.
  void forgive() { verdict_ = {}; }

  /// Collective: everyone's number, by rank.
  std::vector<double> gather(double mine) const;

  /// Collective: everyone's text, by rank.
  std::vector<std::string> gather(const std::string& mine) const;

  /// Collective: address of an MPI_Comm with all ranks, freed with its last owner if all is well by then; null in a
  /// serial run. Must not outlive the team.
  std::shared_ptr<void> duplicate() const;

  /// Address of the MPI_Comm that is this team's own; null in a serial run.
  void* mpi_communicator() const;

 private:
  struct Mpi;
  explicit Team(std::unique_ptr<Mpi> mpi);
  std::vector<Failure> exchange(const std::optional<Failure>& mine) const;

  std::unique_ptr<Mpi> mpi_;
  int rank_ = 0;
  int size_ = 1;
  int first_rank_ = 0;  ///< of the run
  Verdict verdict_;
};

}  // namespace ptychoflow::comm
