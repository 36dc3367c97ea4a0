// Which thread of which block adds up which elements: the same on a GPU and where the tests play one. The order depends
// on the count alone.
#pragma once

#include "core/base/macros.hpp"
#include "core/base/view.hpp"

namespace ptychoflow::device {

inline constexpr int block_threads = 256;

/// Elements that a block adds up, `block_threads` apart in each thread: neighbours read neighbours.
inline constexpr Index block_elements = 4 * block_threads;

inline constexpr Index blocks_of(Index count) { return (count + block_elements - 1) / block_elements; }

/// What a thread of a block adds up, before the threads' sums are added in their order.
template <class V, class F>
PTYCHOFLOW_HOST_DEVICE V sum_of_thread(Index block, Index thread, Index count, const F& f) {
  V sum{};
  const Index first = block * block_elements;
  const Index last = first + block_elements < count ? first + block_elements : count;
  for (Index i = first + thread; i < last; i += block_threads) sum += f(i);
  return sum;
}

/// The same for one block that adds up `count` sums of blocks.
template <class V>
PTYCHOFLOW_HOST_DEVICE V sum_of_partials(Index thread, Index count, const V* partial) {
  V sum{};
  for (Index b = thread; b < count; b += block_threads) sum += partial[b];
  return sum;
}

}  // namespace ptychoflow::device
