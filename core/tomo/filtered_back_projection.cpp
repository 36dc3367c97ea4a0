#include "core/tomo/filtered_back_projection.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/device/array.hpp"
#include "core/tomo/back_projection.hpp"

namespace ptychoflow::tomo {
namespace {

/// The angle modulo half a turn, in [0, π).
double folded(double angle_rad) {
  const double a = angle_rad - pi * std::floor(angle_rad / pi);
  return a < pi ? a : 0;
}

/// The most that a gap between neighbours counts for.
double widest_gap(const std::vector<double>& gaps) {
  const double mean = pi / static_cast<double>(gaps.size());
  std::vector<double> usual;
  // Those that are nearly zero are of projections from the front and from the back.
  std::copy_if(gaps.begin(), gaps.end(), std::back_inserter(usual), [&](double g) { return g > 0.1 * mean; });
  const auto middle = usual.begin() + static_cast<std::ptrdiff_t>(usual.size() / 2);
  std::nth_element(usual.begin(), middle, usual.end());
  return 4 * *middle;
}

}  // namespace

std::vector<double> angle_weights(const std::vector<double>& angle_rad) {
  const std::size_t n = angle_rad.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return folded(angle_rad[a]) < folded(angle_rad[b]); });
  std::vector<double> gaps(n);  // from each, in order, to the next
  for (std::size_t i = 0; i < n; ++i) {
    const double next = i + 1 < n ? folded(angle_rad[order[i + 1]]) : folded(angle_rad[order[0]]) + pi;
    gaps[i] = next - folded(angle_rad[order[i]]);
  }
  const double widest = widest_gap(gaps);
  std::vector<double> weights(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double before = gaps[(i + n - 1) % n], after = gaps[i];
    weights[order[i]] = 0.5 * (std::min(before, widest) + std::min(after, widest));
  }
  return weights;
}

struct FilteredBackProjection::Plan {
  RowFilter filter;
  std::vector<double> weights;
  std::vector<RayPlace> places;
  Index width, side;
  BackProjectTile tile = back_project_tile();

  Plan(const ParallelBeam& beam, Index projection_width, Index slice_side, Filter kind)
      : filter(kind, projection_width),
        weights(angle_weights(beam.angle_rad)),
        width(projection_width),
        side(slice_side) {
    const double centre = 0.5 * static_cast<double>(side - 1);
    for (const double a : beam.angle_rad) {
      const double c = std::cos(a), s = std::sin(a);
      places.push_back({beam.axis_px + 1 - centre * (c + s), c, s});
    }
  }

  Index angles() const { return static_cast<Index>(places.size()); }

  using Lanes = device::Array<float, 3>;

  /// Fills the lanes of all slices that there are with their filtered rows.
  void filter_rows(View<const float, 3> sinograms, float scale, Lanes& lanes, device::ThreadPool& threads) const {
    const Index slices = sinograms.extent(0);
    threads.run_in_bands(angles(), [&](device::Share band) {
      auto work = device::Array<Complex<float>, 1>::uninitialized({filter.work_size()});
      for (Index a = band.first; a < band.last; ++a) {
        const auto weight = static_cast<float>(weights[static_cast<std::size_t>(a)] * static_cast<double>(scale));
        for (Index s = 0; s < slices; s += 2) {
          const bool two = s + 1 < slices;
          filter.apply(&sinograms(s, a, 0), two ? &sinograms(s + 1, a, 0) : nullptr, weight, &lanes(a, 1, s),
                       two ? &lanes(a, 1, s + 1) : nullptr, slice_lanes, work.data());
        }
      }
    });
  }

  void back_project(const Lanes& lanes, View<float, 3> slices, device::ThreadPool& threads) const {
    const LaneRows rows{lanes.data(), places.data(), angles(), width};
    const Index bands = (side + tile_rows - 1) / tile_rows;
    threads.run_in_turn(bands, [&](int, Index band) {
      auto sums = device::Array<float, 3>::uninitialized({tile_rows, tile_columns, slice_lanes});
      const Index y0 = band * tile_rows, height = std::min(tile_rows, side - y0);
      for (Index x0 = 0; x0 < side; x0 += tile_columns) {
        tile(rows, y0, x0, sums.data());
        const Index count = std::min(tile_columns, side - x0);
        for (Index s = 0; s < slices.extent(0); ++s) {
          for (Index y = 0; y < height; ++y) {
            float* to = &slices(s, y0 + y, x0);
            for (Index x = 0; x < count; ++x) to[x] = sums(y, x, s);
          }
        }
      }
    });
  }
};

FilteredBackProjection::FilteredBackProjection(const ParallelBeam& beam, Index width, Index side, Filter filter) {
  if (beam.angle_rad.empty() || width < 1 || side < 1)
    throw Error(ErrorCode::data, "filtered back projection: no projections, or projections without pixels");
  plan_ = std::make_unique<const Plan>(beam, width, side, filter);
}

FilteredBackProjection::~FilteredBackProjection() = default;
FilteredBackProjection::FilteredBackProjection(FilteredBackProjection&&) noexcept = default;
FilteredBackProjection& FilteredBackProjection::operator=(FilteredBackProjection&&) noexcept = default;

void FilteredBackProjection::reconstruct(View<const float, 3> sinograms, float scale, View<float, 3> slices,
                                         device::ThreadPool& threads) const {
  expect(sinograms.extent(1) == plan_->angles() && sinograms.extent(2) == plan_->width &&
             slices.extents() == Extents<3>{sinograms.extent(0), plan_->side, plan_->side},
         "sinograms and slices as the reconstruction was made for");
  Plan::Lanes lanes({plan_->angles(), plan_->width + 3, slice_lanes});
  for (Index s = 0; s < sinograms.extent(0); s += slice_lanes) {
    const Index count = std::min(slice_lanes, sinograms.extent(0) - s);
    plan_->filter_rows({sinograms[s].data(), {count, sinograms.extent(1), sinograms.extent(2)}}, scale, lanes, threads);
    plan_->back_project(lanes, {slices[s].data(), {count, plan_->side, plan_->side}}, threads);
  }
}

}  // namespace ptychoflow::tomo
