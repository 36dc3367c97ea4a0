#include "plugin/stages/tomo/slices.hpp"

#include <algorithm>
#include <utility>

#include "core/device/thread_pool.hpp"
#include "core/tomo/filtered_back_projection.hpp"

namespace ptychoflow::tomo_stage {
namespace {

/// Whole pairs of slices: two are filtered as one complex row, and rounding must not depend on the number of ranks.
device::Share share_of_rank(Index count, int rank, int ranks) {
  const device::Share pairs = device::share_of((count + 1) / 2, rank, ranks);
  return {2 * pairs.first, std::min(2 * pairs.last, count)};
}

}  // namespace

Solver::Solver(const Parameters& parameters, const tomo::ParallelBeam& series, std::vector<Index> which, Index width,
               double scale, const MakeKernels& make_kernels)
    : parameters_(parameters), which_(std::move(which)), width_(width), scale_(static_cast<float>(scale)) {
  tomo::ParallelBeam beam{{}, series.axis_px};
  for (const Index a : which_) beam.angle_rad.push_back(series.angle_rad[static_cast<std::size_t>(a)]);
  kernels_ = make_kernels({beam, width, width}, parameters_.filter);
}

void Solver::reconstruct(View<const float, 3> projections, Index first, Index count, View<float, 3> slices,
                         const comm::Communicator& ranks) const {
  const device::Share mine = share_of_rank(count, ranks.rank(), ranks.size());
  const auto bytes = [](const Stack& s) { return static_cast<std::size_t>(s.size()) * sizeof(float); };
  const Extents<3> slices_of_mine{mine.size(), width_, width_};
  if (!ranks.is_root()) {
    if (mine.size() == 0) return;
    auto sinograms = Stack::uninitialized({mine.size(), static_cast<Index>(which_.size()), width_});
    auto solved = Stack::uninitialized(slices_of_mine);
    ranks.receive(sinograms.data(), bytes(sinograms), 0);
    solve(sinograms, solved);
    ranks.send(solved.data(), bytes(solved), 0);
    return;
  }
  for (int r = 1; r < ranks.size(); ++r) {
    const device::Share theirs = share_of_rank(count, r, ranks.size());
    if (theirs.size() == 0) continue;
    const Stack sinograms = sinograms_of(projections, {first + theirs.first, first + theirs.last});
    ranks.send(sinograms.data(), bytes(sinograms), r);
  }
  if (mine.size() > 0) {
    Stack sinograms = sinograms_of(projections, {first + mine.first, first + mine.last});
    solve(sinograms, {slices[mine.first].data(), slices_of_mine});
  }
  for (int r = 1; r < ranks.size(); ++r) {
    const device::Share theirs = share_of_rank(count, r, ranks.size());
    if (theirs.size() == 0) continue;
    ranks.receive(slices[theirs.first].data(),
                  static_cast<std::size_t>(theirs.size() * width_ * width_) * sizeof(float), r);
  }
}

Solver::Stack Solver::sinograms_of(View<const float, 3> projections, device::Share rows) const {
  auto sinograms = Stack::uninitialized({rows.size(), static_cast<Index>(which_.size()), width_});
  for (Index s = 0; s < rows.size(); ++s) {
    for (Index a = 0; a < sinograms.extent(1); ++a)
      std::copy_n(&projections(which_[static_cast<std::size_t>(a)], rows.first + s, 0), width_, &sinograms(s, a, 0));
  }
  return sinograms;
}

void Solver::solve(View<const float, 3> sinograms, View<float, 3> slices) const {
  switch (parameters_.method) {
    case Method::fbp:
      return tomo::filtered_back_projection(*kernels_, sinograms, scale_, slices);
    case Method::sirt:
      return tomo::sirt(*kernels_, sinograms, scale_, parameters_.iterations, parameters_.values, slices);
    case Method::cgls:
      return tomo::cgls(*kernels_, sinograms, scale_, parameters_.iterations, slices);
  }
}

}  // namespace ptychoflow::tomo_stage
