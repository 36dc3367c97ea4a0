#include "core/io/detector_window.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"

namespace ptychoflow::io {

DetectorWindow place_window(Extents<2> frame, Extents<2> size, Extents<2> center, Padding padding,
                            const std::string& source) {
  DetectorWindow window{{}, size, {}};
  Extents<2> begin{};
  for (std::size_t a : {0u, 1u}) {
    const Index first = center[a] - size[a] / 2;
    begin[a] = std::max<Index>(first, 0);
    window.stored.extent[a] = std::min(first + size[a], frame[a]) - begin[a];
    window.at[a] = begin[a] - first;
    if (window.stored.extent[a] <= 0) {
      throw Error(
          ErrorCode::usage,
          fmt::format("{}: a window of {} × {} pixels around center [{}, {}] lies outside the frames of {} × {}",
                      source, size[0], size[1], center[0], center[1], frame[0], frame[1]));
    }
  }
  window.stored.y = begin[0];
  window.stored.x = begin[1];
  if (window.padded() && padding == Padding::refuse) {
    const bool larger = size[0] > frame[0] || size[1] > frame[1];
    throw Error(ErrorCode::usage,
                larger
                    ? fmt::format("{}: frame_size {} × {} is larger than the frames, {} × {}: choose a smaller one, or "
                                  "set pad: true",
                                  source, size[0], size[1], frame[0], frame[1])
                    : fmt::format("{}: a window of {} × {} pixels around center [{}, {}] runs over the edge of the "
                                  "frames, {} × {}: choose a smaller frame_size or another center, or set pad: true",
                                  source, size[0], size[1], center[0], center[1], frame[0], frame[1]));
  }
  return window;
}

std::optional<Extents<2>> center_of_mass(View<const double, 2> mean, View<const std::uint8_t, 2> mask) {
  double light = 0, y_moment = 0, x_moment = 0;
  for (Index y = 0; y < mean.extent(0); ++y) {
    for (Index x = 0; x < mean.extent(1); ++x) {
      const double value = mean(y, x);
      if (mask(y, x) != 0 || !std::isfinite(value) || value < 0) continue;
      light += value;
      y_moment += value * static_cast<double>(y);
      x_moment += value * static_cast<double>(x);
    }
  }
  if (!(light > 0)) return {};
  return Extents<2>{std::lround(y_moment / light), std::lround(x_moment / light)};
}

}  // namespace ptychoflow::io
