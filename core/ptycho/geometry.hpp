// From the experiment's lengths to pixels: the size of an object pixel, and where each view's window lies.
#pragma once

#include <array>
#include <cstdint>
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

/// Lays out the windows: first pixel = round((r_j − min r)/dx) + margin.
/// `positions_m`: y, x of each view in scan order.
/// @throws Error (data) if there are none, or one is not finite
Layout lay_out(const Optics& optics, const std::vector<Yx<double>>& positions_m);

}  // namespace ptychoflow::ptycho
