// The part of a volume that is looked at when two are compared: a cylinder without edges.
#pragma once

#include <vector>

#include "core/base/view.hpp"
#include "core/device/array.hpp"
#include "core/device/fft3d.hpp"
#include "core/device/thread_pool.hpp"

namespace ptychoflow::tomo {

/// Weights of a volume's voxels. What a volume's border cuts, and the circle inside of which slices are reconstructed,
/// are the same in any two volumes of a series: with hard edges they would correlate, at all frequencies. So in a slice
/// weights are 1 out to three quarters of a radius and fall to nothing there by a cosine; from slice to slice they are
/// 1 in the middle half and fall, by a cosine, to nearly nothing over a quarter on either side.
class SoftWindow {
 public:
  /// @param extents z, y, x
  /// @param radius of the cylinder, as a part of half a slice's width and of half its height; above 0
  SoftWindow(Extents<3> extents, double radius);

  const Extents<3>& extents() const { return extents_; }
  double operator()(Index z, Index y, Index x) const { return depth_[static_cast<std::size_t>(z)] * slice_(y, x); }

  /// Share of the Fourier coefficients that stay independent of each other under the window: (Σw²)²/(n·Σw⁴).
  double independent_share() const;

  /// `volume` [z][y][x] minus its weighted mean, times the weights.
  device::RealVolume apply(View<const float, 3> volume, device::ThreadPool& threads) const;

 private:
  double weighted_mean(View<const float, 3> volume, device::ThreadPool& threads) const;

  Extents<3> extents_;
  std::vector<double> depth_;
  device::Array<double, 2> slice_;
};

}  // namespace ptychoflow::tomo
