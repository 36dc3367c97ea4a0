#include "core/ptycho/view_blocks.hpp"

#include <algorithm>

#include "core/ptycho/rows_cpu.hpp"

namespace ptychoflow::ptycho {

using device::Array;
using device::Share;

namespace {

template <class T>
T* zeros(ViewBlock<T>& block, Index count) {
  if (block.storage.size() < count) block.storage = Array<T, 1>::uninitialized({count});
  std::fill_n(block.storage.data(), count, T(0));
  return block.storage.data();
}

}  // namespace

template <class T>
void ViewBlocks<T>::share_out(const Problem<T>& problem) {
  if (!blocks_.empty() && blocks_.back().views.last == problem.local_count()) return;
  blocks_.clear();
  for (const Share views : device::shrinking_shares(problem.local_count(), threads_.size())) {
    blocks_.emplace_back().views = views;
  }
}

template <class T>
ViewBlock<T>& ViewBlocks<T>::start(Index which, const Problem<T>& problem, const State<T>& state, Gather gather) {
  auto& block = blocks_[static_cast<std::size_t>(which)];
  block.change = {};
  block.fit = {};
  block.object_sum = {};
  block.probe_sum = {};
  if (gather == Gather::object) {
    Index first = state.object.extent(1), last = 0;
    for (Index v = block.views.first; v < block.views.last; ++v) {
      first = std::min(first, problem.window(v).y);
      last = std::max(last, problem.window(v).y + plan_.frame.y);
    }
    block.first_row = first;
    const Extents<4> extents{state.object_modes(), last - first, 2, state.object.extent(2) + plan_.lanes};
    block.object_sum = {zeros(block, extents[0] * extents[1] * extents[2] * extents[3]), extents};
  } else if (gather == Gather::probe) {
    const Extents<3> extents{state.probe_modes(), plan_.strips(), plan_.strip_size()};
    block.probe_sum = {zeros(block, extents[0] * extents[1] * extents[2]), extents};
  }
  return block;
}

template <class T>
void ViewBlocks<T>::merge(Gather gather, Overlap<T>& overlap) {
  if (gather == Gather::object) merge_object(overlap.numerator);
  if (gather == Gather::probe) merge_probe(overlap.numerator);
}

template <class T>
void ViewBlocks<T>::merge_object(Array<Complex<T>, 3>& total) {
  const Index modes = total.extent(0), height = total.extent(1), width = total.extent(2);
  threads_.run_in_bands(height, [&](Share band) {
    std::vector<T> sum(static_cast<std::size_t>(2 * (width + plan_.lanes)));
    T *const re = sum.data(), *const im = re + width + plan_.lanes;
    for (Index m = 0; m < modes; ++m) {
      for (Index y = band.first; y < band.last; ++y) {
        std::fill(sum.begin(), sum.end(), T(0));
        for (auto& block : blocks_) {
          const Index row = y - block.first_row;
          if (row < 0 || row >= block.object_sum.extent(1)) continue;
          rows::add(re, &block.object_sum(m, row, 0, 0), static_cast<Index>(sum.size()));
        }
        for (Index x = 0; x < width; ++x) total(m, y, x) = {re[x], im[x]};
      }
    }
  });
}

template <class T>
void ViewBlocks<T>::merge_probe(Array<Complex<T>, 3>& total) {
  if (blocks_.empty()) return std::fill(total.begin(), total.end(), Complex<T>{});
  auto& sum = blocks_.front().probe_sum;
  threads_.run_in_bands(sum.size(), [&](Share numbers) {
    for (std::size_t b = 1; b < blocks_.size(); ++b) {
      rows::add(sum.data() + numbers.first, blocks_[b].probe_sum.data() + numbers.first, numbers.size());
    }
  });
  for (Index k = 0; k < total.extent(0); ++k) unpack(plan_, &sum(k, 0, 0), total.view()[k]);
}

template <class T>
ChangeSums ViewBlocks<T>::change() const {
  ChangeSums total;
  for (const auto& block : blocks_) total += block.change;
  return total;
}

template <class T>
FitSums ViewBlocks<T>::fit() const {
  FitSums total;
  for (const auto& block : blocks_) total += block.fit;
  return total;
}

template class ViewBlocks<float>;
template class ViewBlocks<double>;

}  // namespace ptychoflow::ptycho
