#include "core/image/field.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numeric>
#include <utility>

#include "core/base/units.hpp"

namespace ptychoflow::image {
namespace {

using Wide = std::complex<double>;

Wide wide(Complex<float> v) { return {v.re, v.im}; }

/// Mean of each pixel and its neighbours up to `radius` away along one axis of a line of `n`, `stride` apart.
void smooth_line(const float* from, float* to, Index n, Index stride, Index radius) {
  double sum = 0;
  for (Index i = 0; i < std::min(radius, n); ++i) sum += from[i * stride];
  for (Index i = 0; i < n; ++i) {
    if (i + radius < n) sum += from[(i + radius) * stride];
    if (i > radius) sum -= from[(i - radius - 1) * stride];
    const Index count = std::min(i + radius, n - 1) - std::max<Index>(i - radius, 0) + 1;
    to[i * stride] = static_cast<float>(sum / static_cast<double>(count));
  }
}

/// The mean step of the phase along one axis, from neighbours that are both lit.
double mean_step(View<const Complex<float>, 2> object, View<const float, 2> coverage, const LitArea& lit, Index dy,
                 Index dx) {
  const Box& box = lit.box;
  Wide sum = 0;
  for (Index y = box.y; y < box.y + box.height - dy; ++y) {
    for (Index x = box.x; x < box.x + box.width - dx; ++x) {
      const float weight = std::min(coverage(y, x), coverage(y + dy, x + dx));
      if (lit.at(y, x) && lit.at(y + dy, x + dx))
        sum += double(weight) * wide(object(y + dy, x + dx)) * std::conj(wide(object(y, x)));
    }
  }
  return std::isfinite(std::abs(sum)) && std::abs(sum) > 0 ? std::arg(sum) : 0.0;
}

struct Sample {
  double y, x, turns, weight;  // turns: phase / 2π
};

/// Σh² of the circular histogram of phases that is left once a ramp is taken away. Smoothed, so that it does not matter
/// where the bins begin.
double sharpness(const std::vector<Sample>& samples, std::size_t bins, double slope_y, double slope_x) {
  std::vector<double> histogram(bins, 0.0), smooth(bins);
  for (const Sample& s : samples) {
    const double turns = s.turns - (slope_y * s.y + slope_x * s.x) / (2 * pi);
    const double place = (turns - std::floor(turns)) * static_cast<double>(bins);
    const std::size_t low = static_cast<std::size_t>(place) % bins;
    const double beyond = place - std::floor(place);
    histogram[low] += s.weight * (1 - beyond);
    histogram[(low + 1) % bins] += s.weight * beyond;
  }
  for (int pass = 0; pass < 2; ++pass) {
    for (std::size_t i = 0; i < bins; ++i) {
      smooth[i] = (histogram[(i + bins - 1) % bins] + 2 * histogram[i] + histogram[(i + 1) % bins]) / 4;
    }
    histogram.swap(smooth);
  }
  return std::inner_product(histogram.begin(), histogram.end(), histogram.begin(), 0.0);
}

/// Walks uphill with ever smaller steps, from `first` to `last` radians across the box.
void sharpen(const std::vector<Sample>& samples, const Box& box, std::size_t bins, double first, double last,
             PhasePlane& plane) {
  double best = sharpness(samples, bins, plane.slope_y_rad, plane.slope_x_rad);
  constexpr int longest_walk = 12;
  for (double step = first; step >= last; step /= 2) {
    const double step_y = step / static_cast<double>(box.height), step_x = step / static_cast<double>(box.width);
    for (int walked = 0; walked < longest_walk; ++walked) {
      const PhasePlane from = plane;
      for (const auto& [dy, dx] : {std::pair{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {1, -1}, {-1, 1}, {-1, -1}}) {
        const double slope_y = from.slope_y_rad + dy * step_y, slope_x = from.slope_x_rad + dx * step_x;
        if (const double s = sharpness(samples, bins, slope_y, slope_x); s > best) {
          best = s;
          plane.slope_y_rad = slope_y;
          plane.slope_x_rad = slope_x;
        }
      }
      if (plane.slope_y_rad == from.slope_y_rad && plane.slope_x_rad == from.slope_x_rad) break;
    }
  }
}

std::vector<Sample> sampled(View<const Complex<float>, 2> object, View<const float, 2> coverage, const LitArea& lit) {
  constexpr double most_samples = 3e4;
  const Box& box = lit.box;
  const Index stride =
      std::max<Index>(1, std::lround(std::sqrt(double(box.height) * double(box.width) / most_samples)));
  std::vector<Sample> samples;
  for (Index y = box.y; y < box.y + box.height; y += stride) {
    for (Index x = box.x; x < box.x + box.width; x += stride) {
      const Complex<float> v = object(y, x);
      if (!lit.at(y, x) || !std::isfinite(v.re) || !std::isfinite(v.im)) continue;
      samples.push_back({double(y), double(x), arg(v) / (2 * pi), coverage(y, x)});
    }
  }
  return samples;
}

/// Sums `value(y, x)` over the lit pixels of each bin, and hands sum and count to `finish`.
template <class Sum, class Value, class Finish>
Map binned(const LitArea& lit, int bin, Value&& value, Finish&& finish) {
  const Box& box = lit.box;
  Map map{(box.height + bin - 1) / bin, (box.width + bin - 1) / bin, {}};
  map.values.reserve(static_cast<std::size_t>(map.height * map.width));
  for (Index row = 0; row < map.height; ++row) {
    for (Index column = 0; column < map.width; ++column) {
      Sum sum{};
      Index count = 0;
      for (Index y = box.y + row * bin; y < std::min(box.y + box.height, box.y + (row + 1) * bin); ++y) {
        for (Index x = box.x + column * bin; x < std::min(box.x + box.width, box.x + (column + 1) * bin); ++x) {
          if (!lit.at(y, x)) continue;
          sum += value(y, x);
          ++count;
        }
      }
      map.values.push_back(count ? static_cast<float>(finish(sum, count)) : std::numeric_limits<float>::quiet_NaN());
    }
  }
  return map;
}

}  // namespace

LitArea lit_area(View<const float, 2> coverage, float threshold) {
  const Index height = coverage.extent(0), width = coverage.extent(1);
  const Index radius = std::min(height, width) / 80;
  std::vector<float> rows(static_cast<std::size_t>(coverage.size())), smooth(rows.size());
  for (Index y = 0; y < height; ++y) smooth_line(coverage[y].data(), rows.data() + y * width, width, 1, radius);
  for (Index x = 0; x < width; ++x) smooth_line(rows.data() + x, smooth.data() + x, height, width, radius);
  const float most = smooth.empty() ? 0.0f : *std::max_element(smooth.begin(), smooth.end());

  LitArea lit{{0, 0, height, width}, width, std::vector<std::uint8_t>(smooth.size(), 1)};
  if (!(most > 0)) return lit;
  Index top = height, bottom = -1, left = width, right = -1;
  for (Index y = 0; y < height; ++y) {
    for (Index x = 0; x < width; ++x) {
      const auto place = static_cast<std::size_t>(y * width + x);
      lit.mask[place] = smooth[place] >= threshold * most;
      if (!lit.mask[place]) continue;
      top = std::min(top, y);
      bottom = std::max(bottom, y);
      left = std::min(left, x);
      right = std::max(right, x);
    }
  }
  lit.box = {top, left, bottom - top + 1, right - left + 1};
  return lit;
}

PhasePlane fit_phase_plane(View<const Complex<float>, 2> object, View<const float, 2> coverage, const LitArea& lit) {
  const std::vector<Sample> samples = sampled(object, coverage, lit);
  PhasePlane plane;
  plane.slope_y_rad = mean_step(object, coverage, lit, 1, 0);
  plane.slope_x_rad = mean_step(object, coverage, lit, 0, 1);
  sharpen(samples, lit.box, 64, 1.6, 0.1, plane);
  sharpen(samples, lit.box, 400, 0.1, 0.004, plane);
  Wide mean = 0;
  for (const Sample& s : samples) {
    mean += std::polar(s.weight, 2 * pi * s.turns - plane.slope_y_rad * s.y - plane.slope_x_rad * s.x);
  }
  plane.offset_rad = std::abs(mean) > 0 ? std::arg(mean) : 0.0;
  return plane;
}

Map amplitude_map(View<const Complex<float>, 2> object, const LitArea& lit, int bin) {
  return binned<double>(
      lit, bin, [&](Index y, Index x) { return std::abs(wide(object(y, x))); },
      [](double sum, Index count) { return sum / static_cast<double>(count); });
}

Map phase_map(View<const Complex<float>, 2> object, const LitArea& lit, const PhasePlane& plane, int bin) {
  return binned<Wide>(
      lit, bin, [&](Index y, Index x) { return wide(object(y, x)) * std::polar(1.0, -plane.at(y, x)); },
      [](Wide sum, Index) { return std::arg(sum); });
}

}  // namespace ptychoflow::image
