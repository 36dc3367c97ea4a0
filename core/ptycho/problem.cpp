#include "core/ptycho/problem.hpp"

#include "core/base/error.hpp"

namespace ptychoflow::ptycho {

template <class T>
Problem<T>::Problem(Layout layout, std::shared_ptr<const Magnitudes> magnitudes, std::vector<LocalView> views)
    : layout_(std::move(layout)),
      magnitudes_(std::move(magnitudes)),
      views_(std::move(views)),
      scan_windows_(layout_.windows) {
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
}

template <class T>
Problem<T> Problem<T>::part(Index which, Index parts) const {
  Problem part = *this;
  part.views_.clear();
  part.scan_windows_.clear();
  for (const auto& v : views_) {
    if (v.scan_index % parts == which) part.views_.push_back(v);
  }
  for (Index j = which; j < layout_.view_count(); j += parts) {
    part.scan_windows_.push_back(layout_.windows[static_cast<std::size_t>(j)]);
  }
  return part;
}

template class Problem<float>;
template class Problem<double>;

}  // namespace ptychoflow::ptycho
