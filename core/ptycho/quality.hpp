// How good a reconstruction is, against the truth of a simulated scan.
#pragma once

#include <cstdint>
#include <vector>

#include "core/ptycho/registration.hpp"

namespace ptychoflow {

/// Share of each orthogonalised mode in the total power, falling: the eigenvalues of the modes' overlap matrix.
/// @param modes [mode][y][x]
/// @throws Error (data) if they have no power or are not finite
template <class T>
std::vector<double> mode_powers(View<const Complex<T>, 3> modes);

extern template std::vector<double> mode_powers(View<const Complex<float>, 3>);
extern template std::vector<double> mode_powers(View<const Complex<double>, 3>);

/// The rectangle that every direction of the scan covers well: from the first to the last window's centre, less 12 % of
/// a frame on each side.
/// @param offset_px [view][y, x] of each window's first pixel
/// @param frame y, x extents of a window
/// @throws Error (data) if nothing is left of it
Area scanned_area(View<const std::int32_t, 2> offset_px, Extents<2> frame);

/// Differences that remain after removing what ptychography cannot know: complex scale, linear phase ramp, sub-pixel
/// shift.
struct TruthComparison {
  double object_nrmse;   ///< ‖O − T‖ / ‖T‖ over the scanned area
  double phase_rms_rad;  ///< standard deviation of the phase of O·T* there
  Shift shift;           ///< by which O was moved, beyond whole pixels that the offsets tell
};

/// Compares a reconstructed object with the true one over the truth's scanned area.
/// @param object, truth [y][x]
/// @param object_offset_px, truth_offset_px [view][y, x] of each window's first pixel in the one and in the other
/// @param frame y, x extents of a window
/// @throws Error (data) if the two sets of offsets are not the same up to a common displacement (positions with a wrong
/// sign, axis order or scale), if windows lie outside of the objects, or if the scan is too small
TruthComparison compare_with_truth(ImageView object, View<const std::int32_t, 2> object_offset_px, ImageView truth,
                                   View<const std::int32_t, 2> truth_offset_px, Extents<2> frame);

}  // namespace ptychoflow
