// What must hold of any scan before it is worth reconstructing, whatever file it came from.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/view.hpp"

namespace ptychoflow::io {

/// What the object's extent follows from.
struct ScanGeometry {
  double wavelength_m = 0;
  double distance_m = 0;
  std::array<double, 2> detector_pixel_m{};  ///< y, x
  Extents<2> frame{};                        ///< y, x, as reconstructed
};

/// Where a block of frames comes from, so that a fault can be found in the file.
struct FrameOrigin {
  std::string source;  ///< file and dataset
  Index first = 0;     ///< number of the block's first frame in the file
  Index step = 1;
  Index y = 0;  ///< pixel of the file's frame that is the block's [0][0]
  Index x = 0;
  bool negative_is_masked = false;
};

/// Size of an object pixel, y, x: wavelength · distance / (frame · detector pixel).
std::array<double, 2> object_pixel_m(const ScanGeometry& geometry);

/// @param what names the quantity and how else to give it, e.g. "distance (or set distance_m)"
/// @throws Error (data) unless `value` is a positive, finite number
void check_positive(double value, const std::string& source, const std::string& what);

/// @throws Error (data) if a position (y, x) is NaN or infinite, or all are the same to within an object pixel
/// @throws Error (data) if the object would have more than 100000 pixels a side or, in single precision, need more than
///         a quarter of this machine's memory; says how large it would be and which unit the positions seem to have
void check_positions(const std::vector<std::array<double, 2>>& positions_m, const ScanGeometry& geometry,
                     const FrameOrigin& origin);

/// @throws Error (data) if no pixel is measured (0)
void check_mask(View<const std::uint8_t, 2> mask, const std::string& source);

/// Checks counts (frame, y, x) at the measured pixels of `mask` (0), and sets NaN, infinite and negative counts at the
/// others to 0, so that nobody need look at the mask before computing. Returns whether any measured count is above 0.
/// @throws Error (data) with frame and pixel, for a NaN, infinite or negative count that is measured
template <class T>
bool check_frames(View<T, 3> frames, View<const std::uint8_t, 2> mask, const FrameOrigin& origin);

}  // namespace ptychoflow::io
