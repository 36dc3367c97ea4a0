// What is given: fixed before the first iteration and the same ever after.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "core/device/array.hpp"
#include "core/ptycho/geometry.hpp"

namespace ptychoflow::ptycho {

/// One of this rank's views.
struct LocalView {
  Index scan_index;   ///< its place in the scan, and in Layout::windows
  Index frame_index;  ///< its place in Problem::magnitudes
};

/// A reconstruction problem as one rank sees it: where all views of the scan lie, and the measured magnitudes of its
/// own.
template <class T>
class Problem {
 public:
  /// Magnitudes √I: [frame][y][x], zero frequency in the corner [0][0]; negative where nothing was measured.
  using Magnitudes = device::Array<T, 3>;

  /// @throws Error (other) if a view's window or frame lies outside
  Problem(Layout layout, std::shared_ptr<const Magnitudes> magnitudes, std::vector<LocalView> views);

  const Layout& layout() const { return layout_; }
  const std::vector<LocalView>& views() const { return views_; }
  Index local_count() const { return static_cast<Index>(views_.size()); }

  /// Place in the scan of local view `v`.
  Index scan_index(Index v) const { return at(v).scan_index; }

  /// First pixel in the object of local view `v`.
  Yx<Index> window(Index v) const { return layout_.windows[static_cast<std::size_t>(scan_index(v))]; }

  /// Of this rank's frames: [frame][y][x].
  const Magnitudes& all_magnitudes() const { return *magnitudes_; }

  /// Magnitudes of local view `v`: [y][x].
  View<const T, 2> magnitudes(Index v) const { return magnitudes_->view()[at(v).frame_index]; }

  /// The same scan with only those views whose place in the scan is `which` modulo `parts`: windows and object stay.
  Problem part(Index which, Index parts) const;

  /// Windows of the views that this problem has over all ranks; differs from Layout::windows only for a part.
  const std::vector<Yx<Index>>& scan_windows() const { return scan_windows_; }

 private:
  const LocalView& at(Index v) const { return views_[static_cast<std::size_t>(v)]; }

  Layout layout_;
  std::shared_ptr<const Magnitudes> magnitudes_;
  std::vector<LocalView> views_;
  std::vector<Yx<Index>> scan_windows_;
};

}  // namespace ptychoflow::ptycho
