// An array on another grid, by bilinear interpolation.
#pragma once

#include "core/base/complex.hpp"
#include "core/device/array.hpp"
#include "core/ptycho/geometry.hpp"

namespace ptychoflow::ptycho {

/// Where the pixels of an array lie: pixel (i, j) is at origin + (i·pixel.y, j·pixel.x), metres.
struct Raster {
  Yx<double> origin_m;
  Yx<double> pixel_m;
};

/// `source` [mode][y][x] on raster `from`, sampled at the pixels of `to` with `shape`; `outside` where it does not
/// reach.
device::Array<Complex<double>, 3> resample(View<const Complex<double>, 3> source, const Raster& from, const Raster& to,
                                           Yx<Index> shape, Complex<double> outside);

}  // namespace ptychoflow::ptycho
