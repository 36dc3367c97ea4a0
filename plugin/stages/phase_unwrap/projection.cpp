#include "plugin/stages/phase_unwrap/projection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ptychoflow::phase_unwrap {
namespace {

float median(std::vector<float>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

template <class T>
Projection split(View<const Complex<T>, 2> object, const std::string& scan) {
  Projection p{phase::Map::uninitialized(object.extents()), phase::Map::uninitialized(object.extents()),
               phase::Map(object.extents())};
  for (Index i = 0; i < object.size(); ++i) {
    const Complex<T> v = object.data()[i];
    if (!std::isfinite(v.re) || !std::isfinite(v.im)) {
      throw Error(ErrorCode::data,
                  fmt::format("the object of scan '{}' is not a finite number at pixel y = {}, x = {}: reconstruct it "
                              "again, with a smaller feedback or other starting values",
                              scan, i / object.extent(1), i % object.extent(1)));
    }
    p.wrapped_rad.data()[i] = std::atan2(static_cast<float>(v.im), static_cast<float>(v.re));
    p.amplitude.data()[i] = static_cast<float>(abs(v));
  }
  return p;
}

}  // namespace

Projection take_apart(const stage::Tensor& object, View<const float, 2> coverage, double min_coverage,
                      const std::string& scan) {
  Projection p = object.holds<Complex<float>>() ? split(object.view<const Complex<float>, 3>()[0], scan)
                                                : split(object.view<const Complex<double>, 3>()[0], scan);
  expect(coverage.empty() || coverage.extents() == p.weight.extents(),
         "object_coverage has other extents than the object");
  std::vector<float> amplitudes, lights;
  const auto light = [&](Index i) { return coverage.empty() ? 1.0f : coverage.data()[i]; };
  const auto lit = [&](Index i) {
    return static_cast<double>(light(i)) >= min_coverage && light(i) > 0 && p.amplitude.data()[i] > 0;
  };
  for (Index i = 0; i < p.weight.size(); ++i) {
    if (!lit(i)) continue;
    amplitudes.push_back(p.amplitude.data()[i]);
    lights.push_back(light(i));
  }
  if (amplitudes.empty()) {
    throw Error(ErrorCode::data, fmt::format("no pixel of the object of scan '{}' has light and an amplitude above 0: "
                                             "lower min_coverage = {}, or reconstruct the scan again",
                                             scan, min_coverage));
  }
  const float usual_amplitude = median(amplitudes), usual_light = median(lights);
  for (Index i = 0; i < p.weight.size(); ++i) {
    if (!lit(i)) continue;
    const float a = std::min(1.0f, p.amplitude.data()[i] / usual_amplitude);
    p.weight.data()[i] = std::min(1.0f, light(i) / usual_light) * a * a;
  }
  return p;
}

}  // namespace ptychoflow::phase_unwrap
