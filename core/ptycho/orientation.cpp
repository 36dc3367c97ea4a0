#include "core/ptycho/orientation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/ptycho/central_views.hpp"
#include "core/ptycho/reconstruction.hpp"

namespace ptychoflow::ptycho {
namespace {

/// On the scans at hand the right orientation has 0.25 to 0.65 of the R of the next best after so many iterations;
/// wrong ones differ by some per cent.
constexpr double clearly_better = 0.85;

double r_factor_of(const TrialScan& scan, const Orientation& orientation, device::ThreadPool& threads) {
  std::vector<Yx<double>> positions;
  for (const auto& p : scan.positions_m) positions.push_back(orientation.of(p));
  const Layout layout = lay_out(scan.optics, positions);
  std::vector<LocalView> views;
  for (Index j = 0; j < layout.view_count(); ++j) views.push_back({j, j});
  const Problem<float> problem(layout, scan.magnitudes, std::move(views));
  GuessSettings guess;
  if (scan.light.initial_probe.empty()) guess.probe = ProbeFromData{};
  Settings settings;
  settings.iterations = trial_iterations;
  const auto kernels = make_cpu_kernels<float>(threads, layout.frame);
  auto start = start_state<float>(guess, scan.light, layout, {0, layout.object.y}, 1, 1);
  return reconstruct<float>(problem, std::move(start), settings, *kernels, {},
                            [](const IterationFigures&) { return Wish::go_on; })
      .r_factor;
}

}  // namespace

Yx<double> Orientation::of(Yx<double> position) const {
  if (swap_xy) std::swap(position.y, position.x);
  return {flip_y ? -position.y : position.y, flip_x ? -position.x : position.x};
}

std::string Orientation::text() const {
  return fmt::format("{{swap_xy: {}, flip_x: {}, flip_y: {}}}", swap_xy, flip_x, flip_y);
}

std::vector<OrientationTrial> try_orientations(const TrialScan& scan, device::ThreadPool& threads) {
  std::vector<OrientationTrial> trials;
  for (const bool swap_xy : {false, true}) {
    for (const bool flip_x : {false, true}) {
      for (const bool flip_y : {false, true}) {
        const Orientation orientation{swap_xy, flip_x, flip_y};
        trials.push_back({orientation, r_factor_of(scan, orientation, threads)});
      }
    }
  }
  std::ranges::stable_sort(trials, [](const auto& a, const auto& b) { return a.r_factor < b.r_factor; });
  return trials;
}

bool is_clear(const std::vector<OrientationTrial>& trials) {
  return trials[0].r_factor < clearly_better * trials[1].r_factor;
}

}  // namespace ptychoflow::ptycho
