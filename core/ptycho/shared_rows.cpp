#include "core/ptycho/shared_rows.hpp"

#include <algorithm>
#include <cstring>

namespace ptychoflow::ptycho {

using device::Array;
using device::Share;

namespace {

/// Copies to the processor's memory.
void copy_out(device::Memory* memory, void* to, const void* from, std::size_t bytes) {
  if (memory) return memory->copy_out(to, from, bytes);
  std::memcpy(to, from, bytes);
}

}  // namespace

template <class T>
void SharedRows<T>::start(const Overlap<T>& overlap) {
  if (overlap.numerator_scale.used()) {
    start(overlap.whole_numerator);
  } else {
    start(overlap.numerator);
  }
}

template <class T>
void SharedRows<T>::finish(Overlap<T>& overlap) {
  if (overlap.numerator_scale.used()) {
    finish(overlap.whole_numerator);
  } else {
    finish(overlap.numerator);
  }
}

template <class T>
template <class Number>
void SharedRows<T>::start(const Array<Complex<Number>, 3>& sums) {
  const Index modes = sums.extent(0), row_bytes = sums.extent(2) * static_cast<Index>(sizeof(Complex<Number>));
  if (parts_.empty()) {
    for (const auto& n : distribution_.neighbours) parts_.push_back({n, {}, {}});
  }
  std::vector<comm::Transfer> messages;
  for (auto& [neighbour, sent, received] : parts_) {
    const auto mode_bytes = static_cast<std::size_t>(neighbour.rows.size() * row_bytes);
    sent.resize(static_cast<std::size_t>(modes) * mode_bytes);
    received.resize(sent.size());
    const Index first = neighbour.rows.first - distribution_.rows.first;
    for (Index m = 0; m < modes; ++m) {
      copy_out(sums.memory(), sent.data() + static_cast<std::size_t>(m) * mode_bytes,
               sums.data() + (m * sums.extent(1) + first) * sums.extent(2), mode_bytes);
    }
    messages.push_back({neighbour.rank, sent.data(), received.data(), sent.size()});
  }
  exchange_ = ranks_.exchange(messages);
}

template <class T>
template <class Number>
void SharedRows<T>::finish(Array<Complex<Number>, 3>& sums) {
  exchange_.finish();
  const Index modes = sums.extent(0), height = sums.extent(1), width = sums.extent(2);
  std::vector<Complex<Number>> copy;  // of rows that lie elsewhere
  for (const Share rows : shared_ranges()) {
    const Index first = rows.first - distribution_.rows.first;
    for (Index m = 0; m < modes; ++m) {
      Complex<Number>* const there = sums.data() + (m * height + first) * width;
      const auto bytes = static_cast<std::size_t>(rows.size() * width) * sizeof(Complex<Number>);
      Complex<Number>* here = there;
      if (sums.memory()) {
        copy.resize(static_cast<std::size_t>(rows.size() * width));
        here = copy.data();
        sums.memory()->copy_out(here, there, bytes);
      }
      for (Index row = rows.first; row < rows.last; ++row)
        add_up(m, row, width, reinterpret_cast<Number*>(here + (row - rows.first) * width));
      if (sums.memory()) sums.memory()->copy_in(there, here, bytes);
    }
  }
}

/// Row ← its sum over the ranks that hold it, in their order. Two numbers have the same sum in either order.
template <class T>
template <class Number>
void SharedRows<T>::add_up(Index mode, Index row, Index width, Number* own) const {
  const auto holds = [&](const Part& part) {
    return part.neighbour.rows.first <= row && row < part.neighbour.rows.last;
  };
  const auto received = [&](const Part& part) {
    const auto& rows = part.neighbour.rows;
    return reinterpret_cast<const Number*>(part.received.data()) + 2 * width * (mode * rows.size() + row - rows.first);
  };
  const auto add = [&](Number* sum, const Number* numbers) {
    for (Index i = 0; i < 2 * width; ++i) sum[i] += numbers[i];
  };
  if (std::ranges::count_if(parts_, holds) == 1) return add(own, received(*std::ranges::find_if(parts_, holds)));

  std::vector<Number> total(static_cast<std::size_t>(2 * width));
  bool own_is_added = false;
  for (const Part& part : parts_) {
    if (!own_is_added && part.neighbour.rank > ranks_.rank()) {
      add(total.data(), own);
      own_is_added = true;
    }
    if (holds(part)) add(total.data(), received(part));
  }
  if (!own_is_added) add(total.data(), own);
  std::copy(total.begin(), total.end(), own);
}

/// Rows that any other rank holds too, those that touch put together.
template <class T>
std::vector<Share> SharedRows<T>::shared_ranges() const {
  std::vector<Share> ranges;
  for (const auto& n : distribution_.neighbours) ranges.push_back(n.rows);
  std::ranges::sort(ranges, {}, &Share::first);
  std::vector<Share> joined;
  for (const Share r : ranges) {
    if (!joined.empty() && r.first <= joined.back().last) {
      joined.back().last = std::max(joined.back().last, r.last);
    } else {
      joined.push_back(r);
    }
  }
  return joined;
}

template class SharedRows<float>;
template class SharedRows<double>;

}  // namespace ptychoflow::ptycho
