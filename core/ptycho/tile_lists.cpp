#include "core/ptycho/tile_lists.hpp"

#include <algorithm>
#include <limits>

#include "core/base/error.hpp"

namespace ptychoflow::ptycho {
namespace {

/// Calls body(tile, window) for every tile that a window reaches into, window by window.
template <class Body>
void for_reached_tiles(Yx<Index> frame, Yx<Index> object, const std::vector<Yx<Index>>& windows, const Body& body) {
  const Index tiles_in_a_row = (object.x + tile_side - 1) / tile_side;
  for (std::size_t v = 0; v < windows.size(); ++v) {
    const Yx<Index> w = windows[v];
    const Index top = std::max<Index>(w.y, 0), bottom = std::min(w.y + frame.y, object.y) - 1;
    for (Index ty = top / tile_side; ty <= bottom / tile_side; ++ty) {
      for (Index tx = w.x / tile_side; tx <= (w.x + frame.x - 1) / tile_side; ++tx) {
        body(static_cast<std::size_t>(ty * tiles_in_a_row + tx), static_cast<std::int32_t>(v));
      }
    }
  }
}

}  // namespace

TileLists list_tiles(Yx<Index> frame, Yx<Index> object, const std::vector<Yx<Index>>& windows) {
  const Index tiles = ((object.y + tile_side - 1) / tile_side) * ((object.x + tile_side - 1) / tile_side);
  std::vector<std::int64_t> ends(static_cast<std::size_t>(tiles) + 1);
  for_reached_tiles(frame, object, windows, [&](std::size_t tile, std::int32_t) { ++ends[tile + 1]; });
  for (std::size_t t = 1; t < ends.size(); ++t) ends[t] += ends[t - 1];
  expect(ends.back() <= std::numeric_limits<std::int32_t>::max(), "too many views for a list of 2³¹ entries");
  TileLists lists;
  lists.starts.assign(ends.begin(), ends.end());
  lists.views.resize(static_cast<std::size_t>(ends.back()));
  auto next = lists.starts;
  for_reached_tiles(frame, object, windows,
                    [&](std::size_t tile, std::int32_t v) { lists.views[static_cast<std::size_t>(next[tile]++)] = v; });
  return lists;
}

}  // namespace ptychoflow::ptycho
