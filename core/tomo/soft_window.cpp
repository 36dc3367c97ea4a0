#include "core/tomo/soft_window.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.hpp"
#include "core/base/units.hpp"

namespace ptychoflow::tomo {
namespace {

/// From 0 at 0 to 1 at 1 and beyond, by a cosine.
double rise(double t) { return t >= 1 ? 1.0 : 0.5 - 0.5 * std::cos(pi * std::max(t, 0.0)); }

/// Of a row of n, each as far from the middle as half a row is long: −1 … 1.
double from_middle(Index i, Index n) { return (2 * static_cast<double>(i) + 1) / static_cast<double>(n) - 1; }

template <class Weights>
double share(const Weights& weights) {
  double second = 0, fourth = 0, count = 0;
  for (const double w : weights) {
    second += w * w;
    fourth += w * w * w * w;
    count += 1;
  }
  return fourth > 0 ? second * second / (count * fourth) : 0;
}

}  // namespace

SoftWindow::SoftWindow(Extents<3> extents, double radius) : extents_(extents), slice_({extents[1], extents[2]}) {
  expect(radius > 0, "a window without a radius");
  for (Index z = 0; z < extents[0]; ++z) depth_.push_back(rise(2 * (1 - std::abs(from_middle(z, extents[0])))));
  for (Index y = 0; y < extents[1]; ++y) {
    for (Index x = 0; x < extents[2]; ++x) {
      slice_(y, x) = rise(4 * (1 - std::hypot(from_middle(y, extents[1]), from_middle(x, extents[2])) / radius));
    }
  }
}

double SoftWindow::independent_share() const { return share(depth_) * share(slice_); }

double SoftWindow::weighted_mean(View<const float, 3> volume, device::ThreadPool& threads) const {
  std::vector<double> sums(static_cast<std::size_t>(extents_[0]));
  threads.run_in_turn(extents_[0], [&](int, Index z) {
    const auto slice = volume[z];
    double sum = 0;
    for (Index i = 0; i < slice.size(); ++i) sum += slice_.data()[i] * static_cast<double>(slice.data()[i]);
    sums[static_cast<std::size_t>(z)] = sum * depth_[static_cast<std::size_t>(z)];
  });
  const double weights =
      std::accumulate(slice_.begin(), slice_.end(), 0.0) * std::accumulate(depth_.begin(), depth_.end(), 0.0);
  return weights > 0 ? std::accumulate(sums.begin(), sums.end(), 0.0) / weights : 0;
}

device::RealVolume SoftWindow::apply(View<const float, 3> volume, device::ThreadPool& threads) const {
  expect(volume.extents() == extents_, "a window was made for a volume of other extents");
  const double mean = weighted_mean(volume, threads);
  device::RealVolume result(extents_);
  threads.run_in_turn(extents_[0], [&](int, Index z) {
    for (Index y = 0; y < extents_[1]; ++y) {
      float* const row = result.row(z, y);
      for (Index x = 0; x < extents_[2]; ++x)
        row[x] = static_cast<float>((*this)(z, y, x) * (static_cast<double>(volume(z, y, x)) - mean));
    }
  });
  return result;
}

}  // namespace ptychoflow::tomo
