// From the experiment's lengths to pixels: the size of an object pixel, and where each view's window lies.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/view.hpp"

namespace ptychoflow::ptycho {

/// A pair in array order: y first.
template <class T>
struct Yx {
  T y{};
  T x{};
  friend bool operator==(const Yx&, const Yx&) = default;
};

/// What links detector and sample plane in the far field.
struct Optics {
  double wavelength_m = 0;
  double distance_m = 0;          ///< sample to detector
  Yx<double> detector_pixel_m{};  ///< pitch of the detector
  Yx<Index> frame{};              ///< pixels of a frame
};

/// Object-plane pixel dx = λz/(n·p) per axis, metres.
/// @throws Error (data) unless wavelength, distance, pixel and frame are positive and finite
Yx<double> object_pixel_m(const Optics& optics);

/// Where the views of a scan lie in the object array.
struct Layout {
  Yx<Index> frame{};               ///< pixels of a view
  Yx<Index> object{};              ///< pixels of the object array
  Yx<double> pixel_size_m{};       ///< of the object
  Yx<double> origin_m{};           ///< scan coordinate of object pixel [0][0]
  std::vector<Yx<Index>> windows;  ///< first pixel of each view in the object array, in scan order

  Index view_count() const { return static_cast<Index>(windows.size()); }
};

/// Empty rim of the object array, pixels.
inline constexpr Index object_margin_px = 4;

/// Lays out the windows: first pixel = round((r_j − r_0)/dx), moved by whole pixels so that the lowest is the margin.
/// @param positions_m  y, x of each view in scan order
/// @param anchor_m     r_0. None: the lowest y and x. With the same anchor, windows keep their places to each other
/// when
///                     positions are added
/// @throws Error (data) if there are no positions, or one is not finite
Layout lay_out(const Optics& optics, const std::vector<Yx<double>>& positions_m,
               std::optional<Yx<double>> anchor_m = std::nullopt);

}  // namespace ptychoflow::ptycho
