#include "core/phase/unwrap.hpp"

#include <cmath>

#include "core/phase/least_squares.hpp"
#include "core/phase/quality_guided.hpp"

namespace ptychoflow::phase {

Map unwrap(MapView wrapped_rad, MapView weight, UnwrapMethod method) {
  Map phase = method == UnwrapMethod::quality_guided ? unwrap_quality_guided(wrapped_rad, weight)
                                                     : unwrap_least_squares(wrapped_rad, weight);
  double sum = 0, count = 0;
  for (Index i = 0; i < phase.size(); ++i) {
    if (!(weight.data()[i] > 0)) continue;
    sum += static_cast<double>(phase.data()[i]);
    count += 1;
  }
  if (count > 0) {
    const auto shift = static_cast<float>(turn_rad * std::round(sum / count / turn_rad));
    for (float& p : phase) p -= shift;
  }
  return phase;
}

}  // namespace ptychoflow::phase
