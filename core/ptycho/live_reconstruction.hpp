// A reconstruction that goes on while views of its scan are still coming.
#pragma once

#include <memory>
#include <vector>

#include "core/ptycho/reconstruction.hpp"

namespace ptychoflow::ptycho {

/// Each time that views have come, the problem is made anew, with all views so far; probe, object and the exit waves of
/// earlier views stay what they were, and those of new ones begin as PO. Settings and kernels outlive it. All calls are
/// collective over the ranks. Exit waves lie in memory; for a moment of `take`, old and new ones do.
template <class T>
class LiveReconstruction {
 public:
  LiveReconstruction(const Settings& settings, Kernels<T>& kernels, comm::Communicator ranks);
  ~LiveReconstruction();

  /// Goes on with the scan as it is now: of each rank the views that it had, and those that have come.
  /// @param problem  laid out with the anchor of those before: all windows may have moved, by the same whole pixels
  /// @param start    what to begin with: the first time; later the object where it was not known
  void take(Problem<T> problem, State<T> start);

  /// Views of all ranks that were taken; 0: none yet.
  Index view_count() const;

  /// With all views that were taken.
  const Problem<T>& problem() const;

  const IterationFigures& iterate();
  const std::vector<IterationFigures>& history() const { return history_; }

  /// Remembers what has been reached so far, until it is `seen`. It comes from a device while iterations go on.
  void look();

  /// What there was at the last `look`, since when no views were taken: with its history, and the object whole on the
  /// root; see `present`.
  Result<T> seen();

  /// `settings.iterations` more, and the result. Ends this reconstruction.
  Result<T> finish(const Observer& observer);

 private:
  struct Stand;
  struct Glimpse;
  Run<T> run() const;

  const Settings& settings_;
  Kernels<T>& kernels_;
  comm::Communicator ranks_;
  std::unique_ptr<Stand> stand_;
  std::unique_ptr<Glimpse> glimpse_;  ///< between `look` and `seen`
  std::vector<IterationFigures> history_;
};

}  // namespace ptychoflow::ptycho
