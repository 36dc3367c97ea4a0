#include "core/ptycho/shared_rows.hpp"

#include <algorithm>
#include <cstring>

namespace ptychoflow::ptycho {

using device::Array;
using device::Share;

namespace {

/// Copies between the processor's memory and the array's.
void copy_out(device::Memory* memory, void* to, const void* from, std::size_t bytes) {
  if (memory) return memory->copy_out(to, from, bytes);
  std::memcpy(to, from, bytes);
}
void copy_in(device::Memory* memory, void* to, const void* from, std::size_t bytes) {
  if (memory) return memory->copy_in(to, from, bytes);
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
  exchange_ = ranks_.exchange(std::move(messages));
}

template <class T>
template <class Number>
void SharedRows<T>::finish(Array<Complex<Number>, 3>& sums) {
  exchange_.finish();
  const Index modes = sums.extent(0), height = sums.extent(1), width = sums.extent(2);
  const auto row_bytes = static_cast<std::size_t>(width) * sizeof(Complex<Number>);
  std::vector<Complex<Number>> own(static_cast<std::size_t>(width)), total(own.size());
  const auto add = [&](const void* row) {
    const auto* numbers = static_cast<const Number*>(row);
    auto* to = reinterpret_cast<Number*>(total.data());
    for (Index i = 0; i < 2 * width; ++i) to[i] += numbers[i];
  };
  for (Index m = 0; m < modes; ++m) {
    for (Index y = 0; y < height; ++y) {
      const Index row = distribution_.rows.first + y;
      const auto holds = [&](const Part& part) {
        return part.neighbour.rows.first <= row && row < part.neighbour.rows.last;
      };
      if (std::ranges::none_of(parts_, holds)) continue;
      Complex<Number>* const place = sums.data() + (m * height + y) * width;
      copy_out(sums.memory(), own.data(), place, row_bytes);
      std::ranges::fill(total, Complex<Number>{});
      bool own_is_added = false;
      for (const Part& part : parts_) {
        if (!own_is_added && part.neighbour.rank > ranks_.rank()) {
          add(own.data());
          own_is_added = true;
        }
        const auto& rows = part.neighbour.rows;
        if (holds(part)) {
          const auto at = static_cast<std::size_t>(m * rows.size() + row - rows.first);
          add(part.received.data() + at * row_bytes);
        }
      }
      if (!own_is_added) add(own.data());
      copy_in(sums.memory(), place, total.data(), row_bytes);
    }
  }
}

template class SharedRows<float>;
template class SharedRows<double>;

}  // namespace ptychoflow::ptycho
