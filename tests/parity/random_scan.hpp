// A small scan of random numbers, the same for engine and reference.
#pragma once

#include <memory>
#include <random>

#include "core/device/on_host.hpp"
#include "core/ptycho/engine.hpp"
#include "tests/reference/difference_map.hpp"

namespace ptychoflow::ptycho::test {

struct RandomScan {
  reference::Scan scan;
  reference::Iterate start;

  /// `views` windows of ny×nx in a field `reach` pixels wider; one pixel in eight is masked if `masked`.
  RandomScan(int ny, int nx, int views, int probe_modes, int object_modes, bool masked = true, int reach = 9) {
    std::mt19937 random(42);
    std::uniform_real_distribution<double> unit(0, 1);
    std::uniform_int_distribution<int> place(0, reach);
    scan.ny = ny, scan.nx = nx;
    scan.object_ny = ny + reach, scan.object_nx = nx + reach + 1;
    const auto wave = [&](int pixels) {
      reference::Wave w(static_cast<std::size_t>(pixels));
      for (auto& v : w) v = {unit(random) + 0.3, unit(random) - 0.5};
      return w;
    };
    for (int k = 0; k < probe_modes; ++k) start.probe.push_back(wave(ny * nx));
    for (int l = 0; l < object_modes; ++l) start.object.push_back(wave(scan.object_ny * scan.object_nx));
    for (int i = 0; i < ny * nx; ++i) scan.measured.push_back(!masked || unit(random) > 0.125);
    for (int j = 0; j < views; ++j) {
      scan.y0.push_back(place(random));
      scan.x0.push_back(place(random));
      std::vector<double> counts;
      for (int i = 0; i < ny * nx; ++i) counts.push_back(i % 11 == 0 ? 0 : std::floor(4 * unit(random)));
      scan.counts.push_back(counts);
    }
  }

  Layout layout() const {
    Layout layout;
    layout.frame = {scan.ny, scan.nx};
    layout.object = {scan.object_ny, scan.object_nx};
    layout.pixel_size_m = {1e-8, 1e-8};
    for (std::size_t j = 0; j < scan.y0.size(); ++j) layout.windows.push_back({scan.y0[j], scan.x0[j]});
    return layout;
  }

  /// The views [first, last) as one rank's problem.
  template <class T>
  Problem<T> problem(Index first, Index last, device::Memory* memory = nullptr) const {
    device::Array<T, 3> magnitudes({last - first, scan.ny, scan.nx});
    std::vector<LocalView> views;
    for (Index j = first; j < last; ++j) {
      for (Index i = 0; i < Index{scan.ny} * scan.nx; ++i) {
        const auto pixel = static_cast<std::size_t>(i);
        magnitudes.view()[j - first].data()[i] =
            scan.measured[pixel] ? static_cast<T>(std::sqrt(scan.counts[static_cast<std::size_t>(j)][pixel])) : T(-1);
      }
      views.push_back({j, j - first});
    }
    return {layout(), std::make_shared<device::Array<T, 3>>(device::moved_to(memory, std::move(magnitudes))), views};
  }

  template <class T>
  Problem<T> problem(device::Memory* memory = nullptr) const {
    return problem<T>(0, static_cast<Index>(scan.y0.size()), memory);
  }

  template <class T>
  State<T> state(device::Memory* memory = nullptr) const {
    State<T> state;
    state.probe = device::moved_to(memory, stacked<T>(start.probe, scan.ny, scan.nx));
    state.object = device::moved_to(memory, stacked<T>(start.object, scan.object_ny, scan.object_nx));
    return state;
  }

  template <class T>
  static device::Array<Complex<T>, 3> stacked(const std::vector<reference::Wave>& waves, Index ny, Index nx) {
    device::Array<Complex<T>, 3> array({static_cast<Index>(waves.size()), ny, nx});
    Index at = 0;
    for (const auto& wave : waves) {
      for (const auto& v : wave) array.data()[at++] = {static_cast<T>(v.real()), static_cast<T>(v.imag())};
    }
    return array;
  }
};

/// ‖a − b‖/‖b‖ over all modes.
template <class T>
double relative_difference(View<const Complex<T>, 3> a, const std::vector<reference::Wave>& b) {
  double difference = 0, size = 0;
  Index at = 0;
  for (const auto& wave : b) {
    for (const auto& v : wave) {
      const auto w = a.data()[at++];
      difference += std::norm(reference::Complex(w.re, w.im) - v);
      size += std::norm(v);
    }
  }
  return std::sqrt(difference / size);
}

}  // namespace ptychoflow::ptycho::test
