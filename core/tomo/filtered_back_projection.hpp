// Filtered back projection of parallel beams.
#pragma once

#include <memory>
#include <vector>

#include "core/device/thread_pool.hpp"
#include "core/tomo/filter.hpp"
#include "core/tomo/projector.hpp"

namespace ptychoflow::tomo {

/// The part of half a turn that each angle speaks for: half the way to its neighbours on either side, modulo 180°.
/// Angles need not be evenly spaced nor sorted. A gap counts as no more than four usual ones (the median of those that
/// are not nearly zero), so that the rims of a missing wedge are not made to stand for all of it; otherwise the weights
/// sum to π.
/// @return radians, in the order of `angle_rad`
std::vector<double> angle_weights(const std::vector<double>& angle_rad);

/// Reconstructs slices from their sinograms, sixteen at a time.
class FilteredBackProjection {
 public:
  /// @param width pixels of a projection
  /// @param side pixels of a slice, which is square
  /// @throws Error (data) if there is no angle or no pixel
  FilteredBackProjection(const ParallelBeam& beam, Index width, Index side, Filter filter);
  ~FilteredBackProjection();
  FilteredBackProjection(FilteredBackProjection&&) noexcept;
  FilteredBackProjection& operator=(FilteredBackProjection&&) noexcept;

  /// @param sinograms [slice][angle][x], line integrals (sums of slice values times pixels)
  /// @param slices [slice][y][x], per pixel, multiplied by `scale`; written over
  /// @param scale applied after the filter: what makes values of phases, which `Filter::derivative` needs as they are
  void reconstruct(View<const float, 3> sinograms, float scale, View<float, 3> slices,
                   device::ThreadPool& threads) const;

 private:
  struct Plan;
  std::unique_ptr<const Plan> plan_;
};

}  // namespace ptychoflow::tomo
