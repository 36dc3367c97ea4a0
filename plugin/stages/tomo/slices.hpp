// Slices from sinograms, by the method that the user chose, shared out over ranks.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/comm/communicator.hpp"
#include "core/device/array.hpp"
#include "core/tomo/iterative.hpp"
#include "core/tomo/slice_kernels.hpp"

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

/// Kernels of the processor or the device that the user chose.
using MakeKernels = std::function<std::unique_ptr<tomo::SliceKernels>(const tomo::SliceGeometry&, tomo::Filter)>;

/// Reconstructs from some of the projections of a series.
class Solver {
 public:
  /// @param which the projections that are used
  /// @param scale from projections' values to line integrals in pixels
  Solver(const Parameters& parameters, const tomo::ParallelBeam& series, std::vector<Index> which, Index width,
         double scale, const MakeKernels& make_kernels);

  /// Collective: the root shares out slices, and gets them back.
  /// @param projections the root's: [angle][y][x] of the whole series
  /// @param first the first slice
  /// @param slices the root's: [slice][y][x]
  /// @param count number of slices
  void reconstruct(View<const float, 3> projections, Index first, Index count, View<float, 3> slices,
                   const comm::Communicator& ranks) const;

 private:
  using Stack = device::Array<float, 3>;

  Stack sinograms_of(View<const float, 3> projections, device::Share rows) const;
  void solve(View<const float, 3> sinograms, View<float, 3> slices) const;

  Parameters parameters_;
  std::vector<Index> which_;
  Index width_;
  float scale_;
  std::unique_ptr<tomo::SliceKernels> kernels_;
};

}  // namespace ptychoflow::tomo_stage
