// The three slices through the middle of a volume that comes in slabs.
#pragma once

#include "core/base/view.hpp"
#include "core/device/array.hpp"

namespace ptychoflow::save_volume {

/// Keeps what a picture needs of a volume, and not the volume.
class MiddleSlices {
 public:
  MiddleSlices() = default;
  /// `shape`: z, y, x of the whole volume.
  explicit MiddleSlices(Extents<3> shape)
      : shape_(shape), xy_({shape[1], shape[2]}), xz_({shape[0], shape[2]}), yz_({shape[0], shape[1]}) {}

  /// Slices `first` … of the volume (z, y, x); they must fit its shape.
  void take(Index first, View<const float, 3> slab);

  View<const float, 2> xy() const { return xy_.view(); }  ///< [y][x]
  View<const float, 2> xz() const { return xz_.view(); }  ///< [z][x]
  View<const float, 2> yz() const { return yz_.view(); }  ///< [z][y]

 private:
  Extents<3> shape_{};
  device::Array<float, 2> xy_, xz_, yz_;
};

}  // namespace ptychoflow::save_volume
