// Bringing one complex image onto another: what ptychography cannot know (sub-pixel shift, linear phase ramp, complex
// scale) taken away before two reconstructions are compared.
#pragma once

#include <algorithm>

#include "core/base/complex.hpp"
#include "core/base/view.hpp"
#include "core/device/array.hpp"

namespace ptychoflow {

using Image = device::Array<Complex<double>, 2>;   ///< [y][x]
using ImageView = View<const Complex<double>, 2>;  ///< [y][x]

/// A rectangle of whole pixels; y before x.
struct Area {
  Extents<2> first{};
  Extents<2> size{};
};

/// A displacement in pixels.
struct Shift {
  double y_px = 0;
  double x_px = 0;
};

/// Copy of one array in double.
template <class T>
Image to_image(View<const Complex<T>, 2> source) {
  Image image = Image::uninitialized(source.extents());
  std::transform(source.begin(), source.end(), image.begin(), [](Complex<T> v) {
    return Complex<double>{static_cast<double>(v.re), static_cast<double>(v.im)};
  });
  return image;
}

/// The part of `image` that `area` covers.
/// @throws Error (other) if it reaches beyond the image
Image cut(ImageView image, const Area& area);

/// `image` moved by `by`, periodically, by a phase ramp on its Fourier transform.
Image shifted(ImageView image, Shift by);

/// By how much `image` must be moved to overlay `reference` (of the same extents): the peak of their cross-correlation,
/// evaluated at fractions of a pixel (Guizar-Sicairos et al., Opt. Lett. 33, 156 (2008)); to 0.002 px.
Shift find_shift(ImageView reference, ImageView image);

/// `image` times the linear phase ramp and the complex scale that bring it nearest to `reference` (of the same
/// extents), in the least-squares sense.
Image without_ramp(ImageView image, ImageView reference);

struct Aligned {
  Image image;  ///< extents of the reference
  Shift shift;  ///< that was applied
};

/// The part `area` of `image`, moved by fractions of a pixel and multiplied by ramp and scale so that it is nearest to
/// `reference`, whose extents are `area.size`.
/// @throws Error (other) if the area reaches beyond the image
Aligned align(ImageView image, const Area& area, ImageView reference);

}  // namespace ptychoflow
