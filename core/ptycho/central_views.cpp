#include "core/ptycho/central_views.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace ptychoflow::ptycho {

std::vector<Index> central_views(const std::vector<Yx<double>>& positions_m, Index count) {
  Yx<double> low = positions_m.front(), high = low;
  for (const auto& p : positions_m) {
    low = {std::min(low.y, p.y), std::min(low.x, p.x)};
    high = {std::max(high.y, p.y), std::max(high.x, p.x)};
  }
  const Yx<double> middle{(low.y + high.y) / 2, (low.x + high.x) / 2};
  const auto distance = [&](Index j) {
    const auto& p = positions_m[static_cast<std::size_t>(j)];
    return std::hypot(p.y - middle.y, p.x - middle.x);
  };
  std::vector<Index> numbers(positions_m.size());
  std::iota(numbers.begin(), numbers.end(), Index{0});
  std::ranges::stable_sort(numbers, [&](Index a, Index b) { return distance(a) < distance(b); });
  numbers.resize(std::min(numbers.size(), static_cast<std::size_t>(count)));
  std::ranges::sort(numbers);
  return numbers;
}

Layout layout_of(const Layout& layout, const std::vector<Index>& numbers) {
  Layout part = layout;
  part.windows.clear();
  Yx<Index> low = layout.windows[static_cast<std::size_t>(numbers.front())], high = low;
  for (const Index j : numbers) {
    const Yx<Index> w = layout.windows[static_cast<std::size_t>(j)];
    low = {std::min(low.y, w.y), std::min(low.x, w.x)};
    high = {std::max(high.y, w.y), std::max(high.x, w.x)};
    part.windows.push_back(w);
  }
  for (Yx<Index>& w : part.windows) w = {w.y - low.y, w.x - low.x};
  part.object = {high.y - low.y + layout.frame.y, high.x - low.x + layout.frame.x};
  part.origin_m = {layout.origin_m.y + static_cast<double>(low.y) * layout.pixel_size_m.y,
                   layout.origin_m.x + static_cast<double>(low.x) * layout.pixel_size_m.x};
  return part;
}

}  // namespace ptychoflow::ptycho
