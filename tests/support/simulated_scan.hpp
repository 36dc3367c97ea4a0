// A small scan as the simulator makes it, ready to be reconstructed: one that the Difference Map solves, unlike random
// numbers.
#pragma once

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "core/device/on_host.hpp"
#include "core/ptycho/initial_guess.hpp"
#include "core/ptycho/problem.hpp"
#include "core/ptycho/simulator.hpp"
#include "core/ptycho/state.hpp"

namespace ptychoflow::ptycho::test {

/// 49 frames of 32² in precision T.
template <class T>
struct SimulatedScan {
  Optics optics;
  std::vector<Yx<double>> positions_m;
  Layout layout;
  ScanLight light;
  GuessSettings guess;

  explicit SimulatedScan(std::vector<double> mode_powers) {
    SimulationSettings s;
    s.optics.frame = {n, n};
    s.optics.detector_pixel_m = {110e-6, 110e-6};
    s.probe = ProbeKind::gaussian;
    s.gaussian_m = 80e-9;
    s.mode_powers = std::move(mode_powers);
    s.frame_count = 49;
    s.photons = 1e6;
    const Simulator simulator{SimulationPlan(s)};
    optics = s.optics;
    positions_m = simulator.plan().positions_m;
    layout = lay_out(optics, positions_m);
    device::Array<std::uint32_t, 3> counts({s.frame_count, n, n});
    device::ThreadPool threads(2);
    simulator.expose(0, counts, threads);
    magnitudes_ = device::Array<T, 3>({s.frame_count, n, n});
    light.wavelength_m = s.optics.wavelength_m;
    light.mask = device::Array<std::uint8_t, 2>({n, n});
    light.mean_counts = device::Array<double, 2>({n, n});
    for (Index j = 0; j < s.frame_count; ++j) {
      for (Index y = 0; y < n; ++y) {
        for (Index x = 0; x < n; ++x) {
          magnitudes_(j, (y + n / 2) % n, (x + n / 2) % n) = std::sqrt(static_cast<T>(counts(j, y, x)));
          light.mean_counts(y, x) += counts(j, y, x) / static_cast<double>(s.frame_count);
        }
      }
    }
    guess.probe = ProbeGaussian{80e-9};
  }

  Problem<T> problem(device::Memory* memory = nullptr) const {
    std::vector<LocalView> views;
    for (Index j = 0; j < layout.view_count(); ++j) views.push_back({j, j});
    return {layout, magnitudes(memory), views};
  }

  /// The scan when only so many views had come.
  Problem<T> first(Index views_there, device::Memory* memory = nullptr) const {
    const std::vector<Yx<double>> positions(positions_m.begin(), positions_m.begin() + views_there);
    std::vector<LocalView> views;
    for (Index j = 0; j < views_there; ++j) views.push_back({j, j});
    return {lay_out(optics, positions, positions_m.front()), magnitudes(memory), views};
  }

  State<T> start(Index probe_modes) const { return start(layout, probe_modes); }
  State<T> start(const Layout& of, Index probe_modes) const {
    return start_state<T>(guess, light, of, {0, of.object.y}, probe_modes, 1);
  }

 private:
  static constexpr Index n = 32;

  std::shared_ptr<const device::Array<T, 3>> magnitudes(device::Memory* memory) const {
    auto copy = device::Array<T, 3>::copy_of(magnitudes_.view());
    return std::make_shared<const device::Array<T, 3>>(device::moved_to(memory, std::move(copy)));
  }

  device::Array<T, 3> magnitudes_;
};

}  // namespace ptychoflow::ptycho::test
