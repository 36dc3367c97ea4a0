// Slices from sinograms, by the method that the user chose, shared out over ranks.
#pragma once

#include <optional>
#include <vector>

#include "core/comm/communicator.hpp"
#include "core/device/array.hpp"
#include "core/tomo/filtered_back_projection.hpp"
#include "core/tomo/iterative.hpp"

namespace ptychoflow::tomo_stage {

enum class Method { fbp, sirt, cgls };

struct Parameters {
  Method method = Method::fbp;
  tomo::Filter filter = tomo::Filter::ramp;
  int iterations = 50;
  tomo::Values values = tomo::Values::any;
  bool half_series = false;
  Index slab_slices = 0;  ///< 0: by their size
};

/// Reconstructs from some of the projections of a series.
class Solver {
 public:
  /// @param which the projections that are used
  /// @param scale from projections' values to line integrals in pixels
  Solver(const Parameters& parameters, const tomo::ParallelBeam& series, std::vector<Index> which, Index width,
         double scale);

  /// Collective: the root shares out slices, and gets them back.
  /// @param projections the root's: [angle][y][x] of the whole series
  /// @param first the first slice
  /// @param slices the root's: [slice][y][x]
  /// @param count number of slices
  void reconstruct(View<const float, 3> projections, Index first, Index count, View<float, 3> slices,
                   const comm::Communicator& ranks, device::ThreadPool& threads) const;

 private:
  using Stack = device::Array<float, 3>;

  Stack sinograms_of(View<const float, 3> projections, device::Share rows) const;
  void solve(Stack& sinograms, View<float, 3> slices, device::ThreadPool& threads) const;

  Parameters parameters_;
  std::vector<Index> which_;
  Index width_;
  float scale_;
  std::optional<tomo::FilteredBackProjection> filtered_;
  std::optional<tomo::IterativeReconstruction> iterative_;
};

}  // namespace ptychoflow::tomo_stage
