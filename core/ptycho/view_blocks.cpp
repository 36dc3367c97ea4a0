#include "core/ptycho/view_blocks.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "core/ptycho/rows_cpu.hpp"

namespace ptychoflow::ptycho {

using device::Array;
using device::Share;

namespace {

template <class Number, std::size_t Rank, class T>
View<Number, Rank> zeros(ViewBlock<T>& block, Extents<Rank> extents) {
  const Index count = View<Number, Rank>(nullptr, extents).size();
  const Index bytes = count * static_cast<Index>(sizeof(Number)), units = (bytes + 7) / 8;
  if (block.storage.size() < units) block.storage = Array<std::int64_t, 1>::uninitialized({units});
  auto* numbers = reinterpret_cast<Number*>(block.storage.data());
  std::fill_n(numbers, count, Number(0));
  return {numbers, extents};
}

template <class Number, class T>
BlockSums<Number> start_sums(ViewBlock<T>& block, const StripPlan<T>& plan, const State<T>& state, Index rows,
                             Gather gather) {
  BlockSums<Number> sums;
  if (gather == Gather::object) {
    sums.object = zeros<Number, 4>(block, {state.object_modes(), rows, 2, state.object.extent(2) + plan.lanes});
  } else if (gather == Gather::probe) {
    sums.probe = zeros<Number, 3>(block, {state.probe_modes(), plan.strips(), plan.strip_size()});
  }
  return sums;
}

}  // namespace

template <class T>
void ViewBlocks<T>::share_out(Share views) {
  count_ = 0;
  for (const Share share : device::shrinking_shares(views.size(), threads_.size())) {
    if (static_cast<Index>(blocks_.size()) == count_) blocks_.emplace_back();
    blocks_[static_cast<std::size_t>(count_++)].views = {views.first + share.first, views.first + share.last};
  }
}

template <class T>
ViewBlock<T>& ViewBlocks<T>::start(Index which, const Problem<T>& problem, const State<T>& state, Gather gather,
                                   FixedPoint scale) {
  auto& block = blocks_[static_cast<std::size_t>(which)];
  Index first = block.views.size() > 0 ? state.object.extent(1) : 0, last = 0;
  for (Index v = block.views.first; v < block.views.last; ++v) {
    first = std::min(first, problem.window(v).y);
    last = std::max(last, problem.window(v).y + plan_.frame.y);
  }
  block.first_row = first;
  block.sums = {};
  block.whole_sums = {};
  block.scale = scale;
  block.largest_term = 0;
  if (scale.used()) {
    block.whole_sums = start_sums<std::int64_t>(block, plan_, state, last - first, gather);
  } else {
    block.sums = start_sums<T>(block, plan_, state, last - first, gather);
  }
  return block;
}

template <class T>
void ViewBlocks<T>::merge(Gather gather, Overlap<T>& overlap) {
  if (gather == Gather::nothing) return;
  const bool whole = overlap.numerator_scale.used();
  if (gather == Gather::object) {
    if (whole) merge_object(&ViewBlock<T>::whole_sums, overlap.whole_numerator);
    if (!whole) merge_object(&ViewBlock<T>::sums, overlap.numerator);
  } else {
    if (whole) merge_probe(&ViewBlock<T>::whole_sums, overlap.whole_numerator);
    if (!whole) merge_probe(&ViewBlock<T>::sums, overlap.numerator);
  }
  for (const auto& block : std::span(blocks_).first(static_cast<std::size_t>(count_)))
    overlap.largest_term = std::max(overlap.largest_term, block.largest_term);
}

template <class T>
template <class Number, class Total>
void ViewBlocks<T>::merge_object(BlockSums<Number> ViewBlock<T>::*sums, Total& total) {
  const std::span blocks = std::span(blocks_).first(static_cast<std::size_t>(count_));
  const Index modes = total.extent(0), height = total.extent(1), width = total.extent(2);
  threads_.run_in_bands(height, [&](Share band) {
    std::vector<Number> sum(static_cast<std::size_t>(2 * (width + plan_.lanes)));
    Number *const re = sum.data(), *const im = re + width + plan_.lanes;
    for (Index m = 0; m < modes; ++m) {
      for (Index y = band.first; y < band.last; ++y) {
        bool touched = false;
        for (auto& block : blocks) {
          const auto& object = (block.*sums).object;
          const Index row = y - block.first_row;
          if (row < 0 || row >= object.extent(1)) continue;
          if (!touched) std::fill(sum.begin(), sum.end(), Number(0));
          touched = true;
          rows::add(re, &object(m, row, 0, 0), static_cast<Index>(sum.size()));
        }
        for (Index x = 0; touched && x < width; ++x) total(m, y, x) += {re[x], im[x]};
      }
    }
  });
}

template <class T>
template <class Number, class Total>
void ViewBlocks<T>::merge_probe(BlockSums<Number> ViewBlock<T>::*sums, Total& total) {
  if (count_ == 0) return;
  const auto& sum = (blocks_.front().*sums).probe;
  threads_.run_in_bands(sum.size(), [&](Share numbers) {
    for (Index b = 1; b < count_; ++b) {
      const auto& other = (blocks_[static_cast<std::size_t>(b)].*sums).probe;
      rows::add(sum.data() + numbers.first, other.data() + numbers.first, numbers.size());
    }
  });
  for (Index k = 0; k < total.extent(0); ++k) add_unpacked(plan_, &std::as_const(sum)(k, 0, 0), total.view()[k]);
}

template class ViewBlocks<float>;
template class ViewBlocks<double>;

}  // namespace ptychoflow::ptycho
