// Moving projections by fractions of a pixel.
#pragma once

#include "core/base/view.hpp"
#include "core/device/fft.hpp"

namespace ptychoflow::tomo {

/// By how much a projection is moved; positive towards higher pixels.
struct Shift {
  double y_px = 0;
  double x_px = 0;
};

/// Moves images of one size: by whole pixels along the array, and by the rest with a phase ramp on the Fourier
/// transform, which keeps every detail. What comes in from outside repeats the image's edge. One object may serve many
/// threads at once.
class ImageShifter {
 public:
  explicit ImageShifter(Extents<2> extents);

  /// @param image, moved [y][x], of the extents given; not the same memory
  void shift(View<const float, 2> image, Shift by, View<float, 2> moved) const;

 private:
  Extents<2> extents_;
  device::Fft2d<double> fft_;
};

}  // namespace ptychoflow::tomo
