#include "core/tomo/alignment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.hpp"
#include "core/tomo/refine_alignment.hpp"
#include "core/tomo/sine_fit.hpp"

namespace ptychoflow::tomo {
namespace {

std::vector<double> along_y(const std::vector<Shift>& shifts) {
  std::vector<double> y;
  for (const Shift& s : shifts) y.push_back(s.y_px);
  return y;
}

Rows rows_of(const Alignment& alignment, Index ny) {
  constexpr Index fewest = 16;
  const Rows rows = covered_rows(along_y(alignment.shift), ny);
  if (rows.size() < fewest) {
    throw Error(
        ErrorCode::data,
        fmt::format("after moving the projections up and down, {} rows of {} are left that all of them have, and "
                    "at least {} are needed: scan a higher area, or set vertical: false",
                    std::max<Index>(0, rows.size()), ny, fewest));
  }
  return rows;
}

/// Keeps the shifts within the limit and notes which were not.
void limit(Alignment& alignment, double max_px) {
  alignment.at_limit.clear();
  for (std::size_t a = 0; a < alignment.shift.size(); ++a) {
    Shift& s = alignment.shift[a];
    const Shift wanted = s;
    s = {std::clamp(s.y_px, -max_px, max_px), std::clamp(s.x_px, -max_px, max_px)};
    if (s.y_px != wanted.y_px || s.x_px != wanted.x_px) alignment.at_limit.push_back(static_cast<Index>(a));
  }
}

/// Of all sets of shifts that are as good, to the smallest: those along x may have a·cos θ + b·sin θ more, which moves
/// the sample, and a constant, which moves all projections and the axis. Over half a turn these are so much alike that
/// what refinement started from would decide.
void move_least(const std::vector<double>& angle_rad, const AlignmentSettings& settings, Alignment& alignment) {
  std::vector<double> x;
  for (const Shift& s : alignment.shift) x.push_back(s.x_px);
  const Sine common = fit_sine(x, angle_rad);
  const double constant = settings.axis_px ? common.constant : 0;
  alignment.axis_px -= common.constant - constant;
  for (std::size_t a = 0; a < angle_rad.size(); ++a) alignment.shift[a].x_px -= common.at(angle_rad[a]) - constant;
}

}  // namespace

Alignment find_alignment(View<const float, 3> phase, const std::vector<double>& angle_rad,
                         const AlignmentSettings& settings, device::ThreadPool& threads, const GoOn& go_on) {
  expect(phase.extent(0) == static_cast<Index>(angle_rad.size()), "a projection an angle is aligned");
  const Index ny = phase.extent(1);
  Alignment found;
  found.shift.resize(angle_rad.size());
  const bool moves = settings.method != AlignmentMethod::none;

  if (moves && settings.vertical) {
    const auto y = vertical_shifts(phase, settings.max_shift_px);
    for (std::size_t a = 0; a < y.size(); ++a) found.shift[a].y_px = y[a];
  }
  const auto centres = centres_of_mass(phase, along_y(found.shift), rows_of(found, ny));
  const auto known = std::count_if(centres.begin(), centres.end(), [](double c) { return !std::isnan(c); });
  if (known < 3) {
    if (moves || !settings.axis_px) {
      throw Error(
          ErrorCode::data,
          fmt::format("{} of {} projections show matter (phase below that of the air at the left and right edge), "
                      "and alignment needs 3: check sign and background of the phase",
                      known, centres.size()));
    }
  }
  const Sine path = fit_sine(centres, angle_rad, settings.axis_px);
  found.axis_px = path.constant;
  if (moves && settings.horizontal) {
    for (std::size_t a = 0; a < centres.size(); ++a) {
      if (!std::isnan(centres[a])) found.shift[a].x_px = path.at(angle_rad[a]) - centres[a];
    }
  }
  limit(found, settings.max_shift_px);
  if (settings.method == AlignmentMethod::refine) {
    refine(phase, angle_rad, settings, rows_of(found, ny), threads, go_on, found);
    rows_of(found, ny);
    if (settings.horizontal && found.at_limit.empty()) move_least(angle_rad, settings, found);
  }
  return found;
}

device::Array<float, 3> moved(View<const float, 3> projections, const std::vector<Shift>& by, Rows rows,
                              device::ThreadPool& threads) {
  const Index angles = projections.extent(0), ny = projections.extent(1), nx = projections.extent(2);
  expect(angles == static_cast<Index>(by.size()), "a shift a projection is applied");
  auto result = device::Array<float, 3>::uninitialized({angles, rows.size(), nx});
  const ImageShifter shifter({ny, nx});
  threads.run_in_turn(angles, [&](int, Index a) {
    auto whole = device::Array<float, 2>::uninitialized({ny, nx});
    shifter.shift(projections[a], by[static_cast<std::size_t>(a)], whole);
    std::copy_n(&whole(rows.first, 0), rows.size() * nx, result[a].begin());
  });
  return result;
}

}  // namespace ptychoflow::tomo
