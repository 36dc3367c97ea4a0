#include "core/io/projection_series.hpp"

#include "core/base/error.hpp"

namespace ptychoflow::io {

void check_series(const ProjectionSeries& series) {
  expect(!series.phase.empty(), "a series without projections");
  expect(series.angle_deg.extent(0) == series.phase.extent(0), "a series needs one angle a projection");
  expect(series.absorption.empty() || series.absorption.extents() == series.phase.extents(),
         "phase and absorption of a series differ in shape");
}

}  // namespace ptychoflow::io
