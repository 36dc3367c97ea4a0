// Frames of a simulated scan: each depends on the plan and its own number alone, not on ranks, blocks or threads.
#pragma once

#include <cstdint>

#include "core/device/fft.hpp"
#include "core/device/thread_pool.hpp"
#include "core/ptycho/simulation_plan.hpp"

namespace ptychoflow::ptycho {

/// Makes the frames of a plan: I_j = Σ_k |F(P_k·O)|² with the unitary FFT, averaged over the positions that one
/// exposure of a fly scan sums (incoherent: a moving stage blurs intensities), then photon noise. Zero frequency at
/// n/2; dead pixels count nothing.
class Simulator {
 public:
  /// Makes the object. @throws Error as make_specimen does
  explicit Simulator(SimulationPlan plan);

  /// Takes a specimen that is there already: its transmission, [y][x], of the plan's object shape.
  /// @throws Error (usage) if it has another shape
  Simulator(SimulationPlan plan, Field object);

  const SimulationPlan& plan() const { return plan_; }
  const Field& object() const { return object_; }

  /// Frames first, first+1, … as the detector counts them. `counts`: [frame][y][x].
  /// @throws Error (usage) if the plan has no noise: its frames are not whole numbers
  void expose(Index first, View<std::uint32_t, 3> counts, device::ThreadPool& pool) const;

  /// The same frames without noise, in photons.
  void expect_frames(Index first, View<double, 3> photons, device::ThreadPool& pool) const;

 private:
  struct Workspace;
  void transform_modes();
  void expected(Index frame, Workspace& work, View<double, 2> photons) const;
  void shift_modes(Yx<double> by_px, Workspace& work) const;

  SimulationPlan plan_;
  Field object_;
  device::Fft2d<double> fft_;
  device::Array<Complex<double>, 3> spectra_;  ///< of the modes; only where positions are sub-pixel
};

}  // namespace ptychoflow::ptycho
