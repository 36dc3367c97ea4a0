#include "core/tomo/refine_alignment.hpp"

#include <algorithm>
#include <cmath>

#include "core/tomo/match_shift.hpp"
#include "core/tomo/reprojection.hpp"
#include "core/tomo/sine_fit.hpp"

namespace ptychoflow::tomo {
namespace {

using Stack = device::Array<float, 3>;

/// A reconstruction keeps part of what is wrong with a projection, whose reprojection then moves with it: it pays to
/// go farther than the two say.
constexpr double stride = 1.3;

/// Means of bin × bin pixels; what is left over at the far edges is dropped.
Stack binned(View<const float, 3> projections, Index bin, device::ThreadPool& threads) {
  Stack small({projections.extent(0), projections.extent(1) / bin, projections.extent(2) / bin});
  const float share = 1.0F / static_cast<float>(bin * bin);
  threads.run_in_turn(small.extent(0), [&](int, Index a) {
    for (Index y = 0; y < small.extent(1) * bin; ++y) {
      for (Index x = 0; x < small.extent(2) * bin; ++x) small(a, y / bin, x / bin) += share * projections(a, y, x);
    }
  });
  return small;
}

Index bin_for(Index nx) {
  Index bin = 1;
  while (nx / bin > 256) bin *= 2;
  return bin;
}

/// Takes from the steps what only moves the sample, so that it does not drift; where projections may not move along x,
/// the part that all have in common moves the axis.
void keep_what_matters(std::vector<Shift>& steps, const std::vector<double>& angle_rad,
                       const AlignmentSettings& settings, double& axis_px) {
  std::vector<double> x;
  double mean_y = 0;
  for (const Shift& s : steps) {
    x.push_back(s.x_px);
    mean_y += s.y_px / static_cast<double>(steps.size());
  }
  const Sine drift = fit_sine(x, angle_rad);
  if (!settings.horizontal && !settings.axis_px) axis_px -= drift.constant;
  for (std::size_t a = 0; a < steps.size(); ++a) {
    steps[a].y_px = settings.vertical ? steps[a].y_px - mean_y : 0;
    steps[a].x_px = settings.horizontal ? steps[a].x_px - (drift.at(angle_rad[a]) - drift.constant) : 0;
  }
}

}  // namespace

void refine(View<const float, 3> phase, const std::vector<double>& angle_rad, const AlignmentSettings& settings,
            Rows rows, device::ThreadPool& threads, const GoOn& go_on, Alignment& alignment) {
  const Index bin = bin_for(phase.extent(2)), angles = phase.extent(0);
  const auto scale = static_cast<double>(bin);
  const Stack small = binned(phase, bin, threads);
  const Rows small_rows{(rows.first + bin - 1) / bin, std::min(rows.last / bin, small.extent(1))};
  Stack reprojections({angles, small_rows.size(), small.extent(2)});
  std::vector<Shift> steps(alignment.shift.size());
  for (int iteration = 1; iteration <= settings.max_iterations; ++iteration) {
    std::vector<Shift> by;
    for (const Shift& s : alignment.shift) by.push_back({s.y_px / scale, s.x_px / scale});
    const Stack now = moved(small, by, small_rows, threads);
    // A binned pixel's centre is (bin − 1)/2 from its first pixel's.
    const double axis_px = (alignment.axis_px - 0.5 * (scale - 1)) / scale;
    reproject(now, {angle_rad, axis_px}, reprojections, threads);
    constexpr double farthest_px = 8;
    threads.run_in_turn(angles, [&](int, Index a) {
      const Shift s = shift_onto(now[a], View<const float, 3>(reprojections)[a], farthest_px);
      steps[static_cast<std::size_t>(a)] = {s.y_px * scale, s.x_px * scale};
    });
    double axis = alignment.axis_px;
    keep_what_matters(steps, angle_rad, settings, axis);
    double largest = std::abs(axis - alignment.axis_px);
    alignment.axis_px = axis;
    alignment.at_limit.clear();
    for (std::size_t a = 0; a < steps.size(); ++a) {
      Shift& s = alignment.shift[a];
      const auto step = [&](double from, double wanted) {
        const double to = std::clamp(from + stride * wanted, -settings.max_shift_px, settings.max_shift_px);
        largest = std::max(largest, std::abs(to - from) / stride);
        return to;
      };
      const Shift before = s;
      s = {step(s.y_px, steps[a].y_px), step(s.x_px, steps[a].x_px)};
      if ((std::abs(s.y_px) == settings.max_shift_px && steps[a].y_px * before.y_px > 0) ||
          (std::abs(s.x_px) == settings.max_shift_px && steps[a].x_px * before.x_px > 0)) {
        alignment.at_limit.push_back(static_cast<Index>(a));
      }
    }
    alignment.iterations = iteration;
    alignment.last_step_px = largest;
    if (!go_on(iteration, largest) || largest < settled_px) return;
  }
}

}  // namespace ptychoflow::tomo
