// Reconstruction of a slice step by step, for few angles and missing wedges.
#pragma once

#include "core/device/array.hpp"
#include "core/tomo/projector.hpp"

namespace ptychoflow::tomo {

/// What values a slice may take.
enum class Values { any, not_negative };

/// Solves A·slice = sinogram for one slice at a time, A = `forward_project`, from zero. One object may serve many
/// threads, each with a slice of its own.
class IterativeReconstruction {
 public:
  /// @param width pixels of a projection
  /// @param side pixels of a slice, which is square
  IterativeReconstruction(ParallelBeam beam, Index width, Index side);

  /// Simultaneous iterations: slice += C·A'·R·(sinogram − A·slice), R and C the reciprocal sums of rows and columns of
  /// A; negative values are cut to zero after each, if so wished (Gregor & Benson, IEEE Trans. Med. Imaging 27, 918
  /// (2008)).
  /// @param sinogram [angle][x]
  /// @param slice [y][x]; written over
  void sirt(View<const float, 2> sinogram, int iterations, Values values, View<float, 2> slice) const;

  /// Conjugate gradients of the least-squares problem (Björck, Numerical Methods for Least Squares Problems, 1996,
  /// alg. 7.4.1): fewer steps than `sirt`, but noise comes back if there are too many. Ends early where nothing is
  /// left to improve.
  void cgls(View<const float, 2> sinogram, int iterations, View<float, 2> slice) const;

 private:
  using Plane = device::Array<float, 2>;

  ParallelBeam beam_;
  Plane of_row_, of_column_;  ///< R [angle][x] and C [y][x]; 0 where a sum is
};

}  // namespace ptychoflow::tomo
