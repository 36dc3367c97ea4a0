// Which views touch which part of the object: lets an object pixel gather from its views in a fixed order.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/macros.hpp"
#include "core/ptycho/geometry.hpp"

namespace ptychoflow::ptycho {

/// Side of a square tile of the object, pixels.
inline constexpr Index tile_side = 32;

/// For each tile of the object, row by row, the windows that reach into it, in rising order.
struct TileLists {
  std::vector<std::int32_t> starts;  ///< [tile]: where its list starts in `views`; one more at the end
  std::vector<std::int32_t> views;   ///< indices into the windows
};

/// @param windows  first pixels of frames that lie in the object, or begin above it or end below
TileLists list_tiles(Yx<Index> frame, Yx<Index> object, const std::vector<Yx<Index>>& windows);

struct ObjectPixel {
  Index y, x, tile;
};

/// Tile lists as kernels read them.
struct Tiles {
  const std::int32_t* starts;
  const std::int32_t* views;
  Yx<Index> frame;
  Index object_nx;

  PTYCHOFLOW_HOST_DEVICE ObjectPixel pixel(Index place) const {
    const auto at = static_cast<std::uint32_t>(place), nx = static_cast<std::uint32_t>(object_nx);
    const Index y = at / nx, x = at % nx;
    const Index tiles_in_a_row = (object_nx + tile_side - 1) / tile_side;
    return {y, x, y / tile_side * tiles_in_a_row + x / tile_side};
  }
  PTYCHOFLOW_HOST_DEVICE Index first(ObjectPixel pixel) const { return starts[pixel.tile]; }
  PTYCHOFLOW_HOST_DEVICE Index last(ObjectPixel pixel) const { return starts[pixel.tile + 1]; }

  /// Which pixel of the frame at window (y0, x0) an object pixel is; −1 if it is outside.
  PTYCHOFLOW_HOST_DEVICE Index frame_pixel(ObjectPixel pixel, Index y0, Index x0) const {
    const Index y = pixel.y - y0, x = pixel.x - x0;
    return y >= 0 && y < frame.y && x >= 0 && x < frame.x ? y * frame.x + x : -1;
  }
};

}  // namespace ptychoflow::ptycho
