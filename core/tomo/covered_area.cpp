#include "core/tomo/covered_area.hpp"

#include <algorithm>
#include <vector>

namespace ptychoflow::tomo {

Mask known_area(View<const float, 2> weight) {
  const Index ny = weight.extent(0), nx = weight.extent(1);
  Mask known({ny, nx});
  std::fill(known.begin(), known.end(), static_cast<unsigned char>(1));
  std::vector<Extents<2>> open;
  const auto visit = [&](Index y, Index x) {
    if (y < 0 || x < 0 || y >= ny || x >= nx || known(y, x) == 0 || weight(y, x) > 0) return;
    known(y, x) = 0;
    open.push_back({y, x});
  };
  for (Index y = 0; y < ny; ++y) {
    visit(y, 0);
    visit(y, nx - 1);
  }
  for (Index x = 0; x < nx; ++x) {
    visit(0, x);
    visit(ny - 1, x);
  }
  while (!open.empty()) {
    const auto [y, x] = open.back();
    open.pop_back();
    visit(y - 1, x);
    visit(y + 1, x);
    visit(y, x - 1);
    visit(y, x + 1);
  }
  return known;
}

Rectangle largest_rectangle(const Mask& mask) {
  const Index ny = mask.extent(0), nx = mask.extent(1);
  Rectangle best;
  std::vector<Index> depth(static_cast<std::size_t>(nx) + 1);  // ones above each pixel; a column of none ends the row
  for (Index y = 0; y < ny; ++y) {
    std::vector<Index> rising;  // columns whose depth no later one has undercut
    for (Index x = 0; x <= nx; ++x) {
      const auto at = static_cast<std::size_t>(x);
      depth[at] = x < nx && mask(y, x) ? depth[at] + 1 : 0;
      while (!rising.empty() && depth[static_cast<std::size_t>(rising.back())] >= depth[at]) {
        const Index height = depth[static_cast<std::size_t>(rising.back())];
        rising.pop_back();
        const Index left = rising.empty() ? 0 : rising.back() + 1;
        if (height * (x - left) > best.height * best.width) best = {y + 1 - height, left, height, x - left};
      }
      rising.push_back(x);
    }
  }
  return best;
}

}  // namespace ptychoflow::tomo
