// Projections of a slice in parallel beams: what iterative reconstruction and alignment compare with what was measured.
#pragma once

#include <vector>

#include "core/base/view.hpp"

namespace ptychoflow::tomo {

/// Angles and rotation axis of a parallel-beam series. At angle θ, pixel x of a projection sees the line
/// u cos θ + v sin θ = x − axis_px; pixel (iy, ix) of a slice is at u = ix − (nx − 1)/2, v = iy − (ny − 1)/2.
struct ParallelBeam {
  std::vector<double> angle_rad;
  double axis_px = 0;  ///< x of the rotation axis in a projection, pixel centres at whole numbers
};

/// Adds up the slice along each ray: at every row, or column where the beam is nearer to it, that the ray crosses, the
/// slice is interpolated linearly and counts for the ray's path from one to the next (Joseph, IEEE Trans. Med. Imaging
/// 1, 192 (1982)). Outside the slice there is nothing. On the calling thread.
/// @param slice [y][x], per pixel
/// @param sinogram [angle][x], in pixels times the slice's unit; written over
/// @throws Error (other) if `sinogram` has not one row an angle
void forward_project(View<const float, 2> slice, const ParallelBeam& beam, View<float, 2> sinogram);

/// The adjoint of `forward_project`, with the very same weights: ⟨Ax, y⟩ = ⟨x, A'y⟩. On the calling thread.
/// @param sinogram [angle][x]
/// @param slice [y][x]; written over
/// @throws Error (other) if `sinogram` has not one row an angle
void back_project_adjoint(View<const float, 2> sinogram, const ParallelBeam& beam, View<float, 2> slice);

}  // namespace ptychoflow::tomo
