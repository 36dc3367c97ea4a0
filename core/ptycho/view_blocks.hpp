// How the views of a rank are dealt out to threads, and how the sums over them are put together.
#pragma once

#include <vector>

#include "core/device/thread_pool.hpp"
#include "core/ptycho/problem.hpp"
#include "core/ptycho/state.hpp"
#include "core/ptycho/strip_plan.hpp"

namespace ptychoflow::ptycho {

/// Some of this rank's views and their sums. Threads take blocks as they come free; the blocks' sums are added up in
/// the order of the blocks, so that the result does not depend on who took which.
template <class T>
struct ViewBlock {
  device::Share views;
  Index first_row = 0;          ///< of the object that the views touch
  View<T, 4> object_sum;        ///< [l][row − first_row][re, im][x, lanes to spare]; empty unless it is gathered
  View<T, 3> probe_sum;         ///< [k][strip][row, re/im, lane], likewise
  device::Array<T, 1> storage;  ///< of either
  ChangeSums change;
  FitSums fit;
};

template <class T>
class ViewBlocks {
 public:
  /// @param threads, plan  outlive it
  ViewBlocks(device::ThreadPool& threads, const StripPlan<T>& plan) : threads_(threads), plan_(plan) {}

  /// Cuts this rank's views into blocks.
  void share_out(const Problem<T>& problem);

  Index count() const { return static_cast<Index>(blocks_.size()); }

  /// A block with its sums at zero. Called by the thread that works on it.
  ViewBlock<T>& start(Index block, const Problem<T>& problem, const State<T>& state, Gather gather);

  /// Sets the numerator that was gathered.
  void merge(Gather gather, Overlap<T>& overlap);

  ChangeSums change() const;
  FitSums fit() const;

 private:
  void merge_object(device::Array<Complex<T>, 3>& total);
  void merge_probe(device::Array<Complex<T>, 3>& total);

  device::ThreadPool& threads_;
  const StripPlan<T>& plan_;
  std::vector<ViewBlock<T>> blocks_;
};

}  // namespace ptychoflow::ptycho
