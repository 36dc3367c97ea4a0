// Laying the truth on a reconstructed volume, and how far the two are from each other.
#pragma once

#include <array>

#include "core/base/view.hpp"
#include "core/device/array.hpp"
#include "core/device/thread_pool.hpp"

namespace ptychoflow::tomo {

using Volume = device::Array<float, 3>;  ///< [z][y][x]

/// A displacement z, y, x in voxels.
using VolumeShift = std::array<double, 3>;

/// `volume` on a grid of other `extents`: the two grids' centres on each other, then moved by `shift_px`. What lies
/// beyond the volume is 0. Whole voxels are moved as they are, the fraction by a phase ramp on the Fourier transform of
/// the grid and a margin around it, so that nothing comes in from the other side.
Volume moved_onto(View<const float, 3> volume, Extents<3> extents, VolumeShift shift_px, device::ThreadPool& threads);

/// By how much `truth` must be moved, its centre on that of `volume`, to overlay it: the peak of their
/// cross-correlation under a `SoftWindow`, from a parabola through its neighbours along each axis, again and again with
/// the truth moved until it stays: so neither the parabola nor the window draws it aside. Turns are not looked for:
/// angles are known.
/// @param volume, truth [z][y][x], of voxels of the same size; extents may differ
/// @param mask_radius of the window, as a part of half a slice's width
VolumeShift find_volume_shift(View<const float, 3> volume, View<const float, 3> truth, double mask_radius,
                              device::ThreadPool& threads);

/// How far a volume is from the truth where that has matter (is not 0), and 3 voxels around.
struct VolumeError {
  double nrmse;  ///< ‖V − T‖ / ‖T‖, of the values as they are: phase tomography is quantitative
  double scale;  ///< slope a of the regression V = a·T + b
};

/// @param volume [z][y][x]
/// @param truth [z][y][x] as it came
/// @param moved the truth as `moved_onto` lays it on the volume by `shift_px`
/// @throws Error (data) if the truth has no matter where the volume is
VolumeError volume_error(View<const float, 3> volume, View<const float, 3> truth, View<const float, 3> moved,
                         VolumeShift shift_px, device::ThreadPool& threads);

}  // namespace ptychoflow::tomo
