// Which views a rank takes, and which rows of the object it holds for them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/comm/communicator.hpp"
#include "core/device/thread_pool.hpp"
#include "core/ptycho/geometry.hpp"

namespace ptychoflow::ptycho {

/// How the views of a scan are shared out.
enum class Sharing {
  scan_order,  ///< equal parts in the order of the scan
  bands,       ///< equal parts from top to bottom, so that a rank's views touch few rows of the object
};

/// What users call it: spatial, scan_order, or auto (none).
/// @throws Error (usage) for another word
std::optional<Sharing> sharing_called(const std::string& name);

/// Places in the scan of the views that `part` of `parts` gets, rising.
/// @param positions_m  y, x of each view in scan order
std::vector<Index> share_of_views(const std::vector<Yx<double>>& positions_m, Sharing sharing, Index part, Index parts);

/// Which sharing makes ranks exchange less: bands only where they gain, since they are read less in order.
/// @param view_height_m  of a view's window
Sharing better_sharing(const std::vector<Yx<double>>& positions_m, double view_height_m, Index parts);

/// Calls body(first, count) for each run of views that follow each other, in the order of `views`.
template <class Body>
void for_runs(std::span<const Index> views, const Body& body) {
  for (std::size_t from = 0, to; from < views.size(); from = to) {
    for (to = from + 1; to < views.size() && views[to] == views[to - 1] + 1;) ++to;
    body(views[from], static_cast<Index>(to - from));
  }
}

/// Another rank that holds rows which this one holds too.
struct Neighbour {
  int rank = 0;
  device::Share rows;  ///< of the whole object
};

/// Rows of the object on one rank. The default is a serial run's: all of them, whatever the object.
struct Distribution {
  device::Share rows{0, 0};           ///< that it holds
  device::Share owned{0, 0};          ///< for which it speaks: each row of the object has one owner
  bool whole = true;                  ///< all ranks hold all rows, and sum over all ranks at once
  std::vector<Neighbour> neighbours;  ///< by rank; none if `whole`
};

/// Each rank holds the rows that its views touch, or all ranks hold all rows if that makes them exchange less.
/// @param touched  rows that each rank's views touch, by rank; empty shares for ranks without views
Distribution distribute(Index object_rows, const std::vector<device::Share>& touched, int rank);

/// Rows that some windows touch: from the first to the last.
device::Share touched_rows(Index frame_rows, const std::vector<Yx<Index>>& windows);

/// What will come of a sharing, before any rank has said what it has.
Distribution foresee(const Layout& layout, const std::vector<Yx<double>>& positions_m, Sharing sharing, int rank,
                     int ranks);

}  // namespace ptychoflow::ptycho
