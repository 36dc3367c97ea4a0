#include "core/ptycho/problem.hpp"

#include <algorithm>
#include <tuple>

#include "core/base/error.hpp"

namespace ptychoflow::ptycho {

template <class T>
Problem<T>::Problem(Layout layout, std::shared_ptr<const Magnitudes> magnitudes, std::vector<LocalView> views,
                    std::optional<Distribution> distribution)
    : layout_(std::move(layout)),
      distribution_(distribution ? std::move(*distribution) : distribute(layout_.object.y, {{0, layout_.object.y}}, 0)),
      magnitudes_(std::move(magnitudes)),
      views_(std::move(views)) {
  for (const auto& w : layout_.windows) {
    expect(
        w.y >= 0 && w.x >= 0 && w.y + layout_.frame.y <= layout_.object.y && w.x + layout_.frame.x <= layout_.object.x,
        "a view's window lies outside the object");
  }
  for (const auto& v : views_) {
    expect(v.scan_index >= 0 && v.scan_index < layout_.view_count(), "a view that the scan does not have");
    expect(v.frame_index >= 0 && v.frame_index < magnitudes_->extent(0), "a view without a frame");
  }
  expect(views_.empty() || (magnitudes_->extent(1) == layout_.frame.y && magnitudes_->extent(2) == layout_.frame.x),
         "magnitudes and layout differ in frame size");
  for (Index v = 0; v < local_count(); ++v) {
    expect(window(v).y >= 0 && window(v).y + layout_.frame.y <= held().y,
           "a view's window lies outside the rows that this rank holds");
  }
  order_views();
  find_windows(0, 1);
}

template <class T>
void Problem<T>::order_views() {
  const auto is_shared = [&](const LocalView& v) {
    const Index top = layout_.windows[static_cast<std::size_t>(v.scan_index)].y, bottom = top + layout_.frame.y;
    return std::ranges::any_of(distribution_.neighbours,
                               [&](const Neighbour& n) { return n.rows.first < bottom && top < n.rows.last; });
  };
  const auto first_alone = std::partition(views_.begin(), views_.end(), is_shared);
  shared_count_ = first_alone - views_.begin();
  const auto place = [&](const LocalView& v) {
    const Yx<Index> w = layout_.windows[static_cast<std::size_t>(v.scan_index)];
    return std::tuple(w.y, w.x, v.scan_index);
  };
  const auto above = [&](const LocalView& a, const LocalView& b) { return place(a) < place(b); };
  std::sort(views_.begin(), first_alone, above);
  std::sort(first_alone, views_.end(), above);
}

template <class T>
void Problem<T>::find_windows(Index which, Index parts) {
  windows_here_.clear();
  scan_count_ = 0;
  for (Index j = which; j < layout_.view_count(); j += parts) {
    const Yx<Index> w = local(layout_.windows[static_cast<std::size_t>(j)]);
    if (w.y < held().y && w.y + layout_.frame.y > 0) windows_here_.push_back(w);
    ++scan_count_;
  }
}

template <class T>
Problem<T> Problem<T>::part(Index which, Index parts) const {
  Problem part = *this;
  std::erase_if(part.views_, [&](const LocalView& v) { return v.scan_index % parts != which; });
  part.order_views();
  part.find_windows(which, parts);
  return part;
}

template class Problem<float>;
template class Problem<double>;

}  // namespace ptychoflow::ptycho
