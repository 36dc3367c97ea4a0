#include "core/ptycho/geometry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"

namespace ptychoflow::ptycho {
namespace {

void require_positive(double value, const char* what) {
  if (!(value > 0) || !std::isfinite(value)) {
    throw Error(ErrorCode::data, fmt::format("{} is {}; it must be positive: correct it in the scan file or give it to "
                                             "the loader",
                                             what, value));
  }
}

}  // namespace

Yx<double> object_pixel_m(const Optics& o) {
  require_positive(o.wavelength_m, "the wavelength");
  require_positive(o.distance_m, "the distance from sample to detector");
  require_positive(o.detector_pixel_m.y, "the detector's pixel height");
  require_positive(o.detector_pixel_m.x, "the detector's pixel width");
  require_positive(static_cast<double>(std::min(o.frame.y, o.frame.x)), "the frame's size");
  const double lambda_z = o.wavelength_m * o.distance_m;
  return {lambda_z / (static_cast<double>(o.frame.y) * o.detector_pixel_m.y),
          lambda_z / (static_cast<double>(o.frame.x) * o.detector_pixel_m.x)};
}

Layout lay_out(const Optics& optics, const std::vector<Yx<double>>& positions_m, std::optional<Yx<double>> anchor_m) {
  if (positions_m.empty()) throw Error(ErrorCode::data, "the scan has no positions");
  Layout layout;
  layout.frame = optics.frame;
  layout.pixel_size_m = object_pixel_m(optics);
  const Yx<double> dx = layout.pixel_size_m;
  Yx<double> lowest = positions_m.front();
  for (std::size_t j = 0; j < positions_m.size(); ++j) {
    const auto& r = positions_m[j];
    if (!std::isfinite(r.y) || !std::isfinite(r.x)) {
      throw Error(ErrorCode::data, fmt::format("position {} is ({}, {}) m; positions must be finite", j, r.y, r.x));
    }
    lowest = {std::min(lowest.y, r.y), std::min(lowest.x, r.x)};
  }
  const Yx<double> anchor = anchor_m.value_or(lowest);
  const auto pixel_of = [&](const Yx<double>& r) {
    return Yx<Index>{static_cast<Index>(std::nearbyint((r.y - anchor.y) / dx.y)),
                     static_cast<Index>(std::nearbyint((r.x - anchor.x) / dx.x))};
  };
  const Yx<Index> corner{pixel_of(lowest).y - object_margin_px, pixel_of(lowest).x - object_margin_px};
  for (const auto& r : positions_m) {
    const Yx<Index> pixel = pixel_of(r), window{pixel.y - corner.y, pixel.x - corner.x};
    layout.windows.push_back(window);
    layout.object = {std::max(layout.object.y, window.y + layout.frame.y + object_margin_px),
                     std::max(layout.object.x, window.x + layout.frame.x + object_margin_px)};
  }
  layout.origin_m = {anchor.y + static_cast<double>(corner.y) * dx.y, anchor.x + static_cast<double>(corner.x) * dx.x};
  return layout;
}

}  // namespace ptychoflow::ptycho
