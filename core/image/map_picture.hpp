// Real maps side by side in one gray scale: slices of a volume, a sinogram, projections.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/base/view.hpp"
#include "core/image/canvas.hpp"

namespace ptychoflow::image {

/// One map and what is written above it.
struct MapPanel {
  View<const float, 2> values;  ///< [y][x]; NaN where there is nothing to show
  std::string caption{};
  std::array<double, 2> pixel_size_m{};  ///< y, x
};

/// Maps of one quantity. The gray scale reaches from the 0.5 % to the 99.5 % quantile of them all; numbers beyond 0.01
/// to 1000 are written as multiples of a power of ten.
struct MapScene {
  std::vector<MapPanel> panels{};
  Index columns = 1;
  std::string quantity{};  ///< "δ", "phase"
  std::string unit{};      ///< "rad", or empty
  std::string title{}, note{};
};

/// Panels row by row, all magnified alike, the first with a scale bar unless it is too flat. @throws Error (other) if
/// there is no panel, one is empty, or a pixel size is not positive
Canvas map_picture(const MapScene& scene);

/// A series of projections of one object.
struct SeriesScene {
  View<const float, 3> projections{};  ///< [angle][y][x]
  View<const double, 1> angle_deg{};   ///< [angle]
  std::array<double, 2> pixel_size_m{};
  std::string quantity{}, unit{}, title{};
};

/// Up to 12 projections, evenly over the series, each with its angle. @throws as map_picture
Canvas montage_picture(const SeriesScene& scene);

/// The middle row of every projection, in the series' order from above. @throws as map_picture
Canvas sinogram_picture(const SeriesScene& scene);

/// The three slices through the middle of a volume.
struct SlicesScene {
  View<const float, 2> xy{}, xz{}, yz{};  ///< [y][x], [z][x] and [z][y]
  std::array<double, 3> voxel_size_m{};   ///< z, y, x
  std::string quantity{}, unit{}, title{};
};

/// @throws as map_picture
Canvas slices_picture(const SlicesScene& scene);

}  // namespace ptychoflow::image
