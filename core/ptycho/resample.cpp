#include "core/ptycho/resample.hpp"

#include <algorithm>
#include <cmath>

namespace ptychoflow::ptycho {

device::Array<Complex<double>, 3> resample(View<const Complex<double>, 3> source, const Raster& from, const Raster& to,
                                           Yx<Index> shape, Complex<double> outside) {
  const Index height = source.extent(1), width = source.extent(2);
  constexpr double slack = 1e-6;  // pixels; rounding must not push an edge pixel outside
  device::Array<Complex<double>, 3> result({source.extent(0), shape.y, shape.x});
  for (Index m = 0; m < result.extent(0); ++m) {
    for (Index y = 0; y < shape.y; ++y) {
      const double sy = (to.origin_m.y + static_cast<double>(y) * to.pixel_m.y - from.origin_m.y) / from.pixel_m.y;
      for (Index x = 0; x < shape.x; ++x) {
        const double sx = (to.origin_m.x + static_cast<double>(x) * to.pixel_m.x - from.origin_m.x) / from.pixel_m.x;
        if (sy < -slack || sx < -slack || sy > static_cast<double>(height - 1) + slack ||
            sx > static_cast<double>(width - 1) + slack) {
          result(m, y, x) = outside;
          continue;
        }
        const Index y0 = std::clamp<Index>(static_cast<Index>(std::floor(sy)), 0, height - 1);
        const Index x0 = std::clamp<Index>(static_cast<Index>(std::floor(sx)), 0, width - 1);
        const Index y1 = std::min(y0 + 1, height - 1), x1 = std::min(x0 + 1, width - 1);
        const double fy = std::clamp(sy - static_cast<double>(y0), 0.0, 1.0);
        const double fx = std::clamp(sx - static_cast<double>(x0), 0.0, 1.0);
        result(m, y, x) = (1 - fy) * ((1 - fx) * source(m, y0, x0) + fx * source(m, y0, x1)) +
                          fy * ((1 - fx) * source(m, y1, x0) + fx * source(m, y1, x1));
      }
    }
  }
  return result;
}

}  // namespace ptychoflow::ptycho
