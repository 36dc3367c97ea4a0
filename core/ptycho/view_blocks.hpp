// How the views of a rank are dealt out to threads, and how the sums over them are put together.
#pragma once

#include <vector>

#include "core/device/thread_pool.hpp"
#include "core/ptycho/kernels.hpp"
#include "core/ptycho/strip_plan.hpp"

namespace ptychoflow::ptycho {

/// Numerators of some views. `Number`: as they are, or whole numbers. Empty unless they are gathered.
template <class Number>
struct BlockSums {
  View<Number, 4> object;  ///< [l][row − first_row][re, im][x, lanes to spare]
  View<Number, 3> probe;   ///< [k][strip][row, re/im, lane]
};

/// Some of this rank's views and their sums. Threads take blocks as they come free; the blocks' sums are added up in
/// the order of the blocks, so that the result does not depend on who took which.
template <class T>
struct ViewBlock {
  device::Share views;
  Index first_row = 0;  ///< of the object that the views touch
  BlockSums<T> sums;
  BlockSums<std::int64_t> whole_sums;
  FixedPoint scale;                        ///< of the latter
  double largest_term = 0;                 ///< in these units
  device::Array<std::int64_t, 1> storage;  ///< of either

  /// Where terms of a view with this window and strip of object mode l go.
  template <class Number>
  strips::Sum<Number> object_sum(Index l, Yx<Index> window, Index column) {
    return {strips::planar(numbers<Number>().object, l, {window.y - first_row, window.x + column}), scale.scale,
            &largest_term};
  }
  /// Where terms of a strip of probe mode k go.
  template <class Number>
  strips::Sum<Number> probe_sum(Index k, Index strip) {
    return {strips::planar(&numbers<Number>().probe(k, strip, 0), device::strip_lanes<T>), scale.scale, &largest_term};
  }

 private:
  template <class Number>
  BlockSums<Number>& numbers() {
    if constexpr (std::is_same_v<Number, T>) {
      return sums;
    } else {
      return whole_sums;
    }
  }
};

template <class T>
class ViewBlocks {
 public:
  /// @param threads, plan  outlive it
  ViewBlocks(device::ThreadPool& threads, const StripPlan<T>& plan) : threads_(threads), plan_(plan) {}

  /// Cuts some of this rank's views into blocks.
  void share_out(device::Share views);

  Index count() const { return count_; }

  /// A block with its sums at zero. Called by the thread that works on it.
  ViewBlock<T>& start(Index block, const Problem<T>& problem, const State<T>& state, Gather gather, FixedPoint scale);

  /// Adds the blocks' sums to the numerator that was gathered.
  void merge(Gather gather, Overlap<T>& overlap);

 private:
  template <class Number, class Total>
  void merge_object(BlockSums<Number> ViewBlock<T>::*sums, Total& total);
  template <class Number, class Total>
  void merge_probe(BlockSums<Number> ViewBlock<T>::*sums, Total& total);

  device::ThreadPool& threads_;
  const StripPlan<T>& plan_;
  std::vector<ViewBlock<T>> blocks_;  ///< `count_` of them are in use
  Index count_ = 0;
};

}  // namespace ptychoflow::ptycho
