#include "core/ptycho/distribution.hpp"

#include <algorithm>
#include <numeric>

#include "core/base/error.hpp"

namespace ptychoflow::ptycho {

using device::Share;

namespace {

Share common(Share a, Share b) {
  const Index first = std::max(a.first, b.first);
  return {first, std::max(first, std::min(a.last, b.last))};
}

/// Rows that a rank sends, over all others: the most of any rank.
template <class Range>
auto most_exchanged(const std::vector<Range>& touched) {
  using Length = decltype(Range::last);
  Length most = 0;
  for (const Range& mine : touched) {
    Length sum = 0;
    for (const Range& other : touched) {
      if (&other == &mine) continue;
      sum += std::max(std::min(mine.last, other.last) - std::max(mine.first, other.first), Length{0});
    }
    most = std::max(most, sum);
  }
  return most;
}

/// All views in the order in which they are cut into shares.
std::vector<Index> in_order(const std::vector<Yx<double>>& positions_m, Sharing sharing) {
  std::vector<Index> views(positions_m.size());
  std::iota(views.begin(), views.end(), Index{0});
  if (sharing == Sharing::bands) {
    std::ranges::stable_sort(views, {}, [&](Index j) { return positions_m[static_cast<std::size_t>(j)].y; });
  }
  return views;
}

std::span<const Index> share_of(const std::vector<Index>& views, Index part, Index parts) {
  const Share share = device::share_of(static_cast<Index>(views.size()), part, parts);
  return std::span(views).subspan(static_cast<std::size_t>(share.first), static_cast<std::size_t>(share.size()));
}

struct Reach {
  double first, last;
};

}  // namespace

std::optional<Sharing> sharing_called(const std::string& name) {
  if (name == "auto") return std::nullopt;
  if (name == "spatial") return Sharing::bands;
  if (name == "scan_order") return Sharing::scan_order;
  throw Error(ErrorCode::usage, "distribution: '" + name + "' is none of auto, spatial and scan_order");
}

std::vector<Index> share_of_views(const std::vector<Yx<double>>& positions_m, Sharing sharing, Index part,
                                  Index parts) {
  const auto views = in_order(positions_m, sharing);
  const auto mine = share_of(views, part, parts);
  std::vector<Index> share(mine.begin(), mine.end());
  std::ranges::sort(share);
  return share;
}

Sharing better_sharing(const std::vector<Yx<double>>& positions_m, double view_height_m, Index parts) {
  if (parts == 1) return Sharing::scan_order;
  const auto exchanged = [&](Sharing sharing) {
    const auto all = in_order(positions_m, sharing);
    std::vector<Reach> touched;
    for (Index part = 0; part < parts; ++part) {
      const auto views = share_of(all, part, parts);
      if (views.empty()) continue;
      const auto [least, greatest] =
          std::ranges::minmax(views, {}, [&](Index j) { return positions_m[static_cast<std::size_t>(j)].y; });
      touched.push_back({positions_m[static_cast<std::size_t>(least)].y,
                         positions_m[static_cast<std::size_t>(greatest)].y + view_height_m});
    }
    return most_exchanged(touched);
  };
  return exchanged(Sharing::bands) < 0.9 * exchanged(Sharing::scan_order) ? Sharing::bands : Sharing::scan_order;
}

Distribution distribute(Index object_rows, const std::vector<Share>& touched, int rank) {
  const auto ranks = static_cast<Index>(touched.size());
  // A sum over all ranks makes each send about two objects.
  if (ranks == 1 || most_exchanged(touched) >= 2 * object_rows) {
    return {{0, object_rows}, device::share_of(object_rows, rank, ranks), true, {}};
  }
  std::vector<Share> held = touched;
  std::vector<std::size_t> order(held.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t r) { return held[r].first; });

  // From top to bottom: rows that nobody touches go to the rank above them, those at the top to the first.
  std::vector<Share> owned(held.size());
  Index reached = 0;
  std::size_t lowest = order.front();
  held[lowest].first = 0;
  for (const std::size_t r : order) {
    if (held[r].size() == 0) continue;
    if (held[r].first > reached) {
      held[lowest].last = owned[lowest].last = held[r].first;
      reached = held[r].first;
    }
    owned[r] = {reached, std::max(reached, held[r].last)};
    if (held[r].last >= reached) {
      reached = held[r].last;
      lowest = r;
    }
  }
  if (reached < object_rows) held[lowest].last = owned[lowest].last = object_rows;

  const auto mine = static_cast<std::size_t>(rank);
  Distribution result{held[mine], owned[mine], false, {}};
  for (std::size_t r = 0; r < held.size(); ++r) {
    const Share both = common(held[mine], held[r]);
    if (r != mine && both.size() > 0) result.neighbours.push_back({static_cast<int>(r), both});
  }
  return result;
}

Share touched_rows(Index frame_rows, const std::vector<Yx<Index>>& windows) {
  if (windows.empty()) return {0, 0};
  const auto [top, bottom] = std::ranges::minmax(windows, {}, &Yx<Index>::y);
  return {top.y, bottom.y + frame_rows};
}

Distribution foresee(const Layout& layout, const std::vector<Yx<double>>& positions_m, Sharing sharing, int rank,
                     int ranks) {
  const auto all = in_order(positions_m, sharing);
  std::vector<Share> touched;
  for (int r = 0; r < ranks; ++r) {
    std::vector<Yx<Index>> windows;
    for (const Index j : share_of(all, r, ranks)) windows.push_back(layout.windows[static_cast<std::size_t>(j)]);
    touched.push_back(touched_rows(layout.frame.y, windows));
  }
  return distribute(layout.object.y, touched, rank);
}

}  // namespace ptychoflow::ptycho
