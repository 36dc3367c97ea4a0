// What is given: fixed before the first iteration and the same ever after.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/device/array.hpp"
#include "core/ptycho/distribution.hpp"
#include "core/ptycho/geometry.hpp"

namespace ptychoflow::ptycho {

/// One of this rank's views.
struct LocalView {
  Index scan_index;   ///< its place in the scan, and in Layout::windows
  Index frame_index;  ///< its place in Problem::magnitudes
};

/// A reconstruction problem as one rank sees it: where all views of the scan lie, and the measured magnitudes of its
/// own. A rank may hold some rows of the object only: pixels of windows count from its first row.
template <class T>
class Problem {
 public:
  /// Magnitudes √I: [frame][y][x], zero frequency in the corner [0][0]; negative where nothing was measured.
  using Magnitudes = device::Array<T, 3>;

  /// @param views  in any order. Here those that touch rows which other ranks hold too come first; within each kind
  ///               they go from the top of the object to the bottom
  /// @param distribution  none: of a serial run
  /// @throws Error (other) if a view's window, frame or rows lie outside
  Problem(Layout layout, std::shared_ptr<const Magnitudes> magnitudes, std::vector<LocalView> views,
          std::optional<Distribution> distribution = std::nullopt);

  const Layout& layout() const { return layout_; }
  const Distribution& distribution() const { return distribution_; }
  const std::vector<LocalView>& views() const { return views_; }
  Index local_count() const { return static_cast<Index>(views_.size()); }

  /// Local views [0, shared_count) touch rows that other ranks hold too; none does if all ranks hold all rows.
  Index shared_count() const { return shared_count_; }

  /// Pixels of the object that this rank holds.
  Yx<Index> held() const { return {distribution_.rows.size(), layout_.object.x}; }

  /// Those of its rows for which it speaks.
  device::Share owned_rows() const {
    return {distribution_.owned.first - distribution_.rows.first, distribution_.owned.last - distribution_.rows.first};
  }

  /// Place in the scan of local view `v`.
  Index scan_index(Index v) const { return at(v).scan_index; }

  /// First pixel, in the rows that this rank holds, of local view `v`.
  Yx<Index> window(Index v) const { return local(layout_.windows[static_cast<std::size_t>(scan_index(v))]); }

  const std::shared_ptr<const Magnitudes>& shared_magnitudes() const { return magnitudes_; }

  /// Of this rank's frames: [frame][y][x].
  const Magnitudes& all_magnitudes() const { return *magnitudes_; }

  /// Magnitudes of local view `v`: [y][x].
  View<const T, 2> magnitudes(Index v) const { return magnitudes_->view()[at(v).frame_index]; }

  /// The same scan with only those views whose place in the scan is `which` modulo `parts`: windows and object stay.
  Problem part(Index which, Index parts) const;

  /// First pixels of all views of all ranks that touch the rows that this rank holds, in scan order. They may begin
  /// above these rows and end below. Of a part: its views alone.
  const std::vector<Yx<Index>>& windows_here() const { return windows_here_; }

  /// Views that this problem has over all ranks.
  Index scan_count() const { return scan_count_; }

 private:
  const LocalView& at(Index v) const { return views_[static_cast<std::size_t>(v)]; }
  Yx<Index> local(Yx<Index> window) const { return {window.y - distribution_.rows.first, window.x}; }
  void order_views();
  void find_windows(Index which, Index parts);

  Layout layout_;
  Distribution distribution_;
  std::shared_ptr<const Magnitudes> magnitudes_;
  std::vector<LocalView> views_;
  Index shared_count_ = 0;
  std::vector<Yx<Index>> windows_here_;
  Index scan_count_ = 0;
};

}  // namespace ptychoflow::ptycho
