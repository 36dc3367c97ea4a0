// Reconstruction of slices step by step, for few angles and missing wedges. A is the kernels' `project`.
#pragma once

#include "core/tomo/slice_kernels.hpp"

namespace ptychoflow::tomo {

/// What values a slice may take.
enum class Values { any, not_negative };

/// Simultaneous iterations from zero: slice += C·A'·R·(sinogram − A·slice), R and C the reciprocal sums of rows and
/// columns of A; negative values are cut to zero after each, if so wished (Gregor & Benson, IEEE Trans. Med. Imaging
/// 27, 918 (2008)).
/// @param sinograms [slice][angle][x]; taken times `scale`
/// @param slices [slice][y][x]; written over
void sirt(SliceKernels& kernels, View<const float, 3> sinograms, float scale, int iterations, Values values,
          View<float, 3> slices);

/// Conjugate gradients of the least-squares problem from zero (Björck, Numerical Methods for Least Squares Problems,
/// 1996, alg. 7.4.1): fewer steps than `sirt`, but noise comes back if there are too many. A slice ends early where
/// nothing is left to improve.
void cgls(SliceKernels& kernels, View<const float, 3> sinograms, float scale, int iterations, View<float, 3> slices);

}  // namespace ptychoflow::tomo
