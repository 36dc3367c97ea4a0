#include "core/ptycho/engine.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/base/error.hpp"
#include "core/device/on_host.hpp"
#include "core/ptycho/modes.hpp"

namespace ptychoflow::ptycho {
namespace {

double ratio(double part, double whole) { return whole > 0 ? std::sqrt(part / whole) : 0; }

/// R tells how far the iteration is: a sixteenth of the views, and four at least, are enough for that.
Index sample_stride(Index views) { return std::clamp<Index>(views / 4, 1, 16); }

/// ε of (7) for each mode.
std::vector<double> changes(const std::vector<ChangeSums>& sums) {
  std::vector<double> epsilon;
  for (const auto& s : sums) epsilon.push_back(ratio(s.change, s.norm));
  return epsilon;
}

}  // namespace

template <class T>
Engine<T>::Engine(const Problem<T>& problem, State<T>& state, const Settings& settings, Kernels<T>& kernels,
                  const comm::Communicator& ranks)
    : problem_(problem), state_(state), settings_(settings), kernels_(kernels), ranks_(ranks) {
  const auto [frame_y, frame_x] = problem.layout().frame;
  const auto [object_y, object_x] = problem.layout().object;
  expect(state.probe.extent(1) == frame_y && state.probe.extent(2) == frame_x, "the probe's size is not the frame's");
  expect(state.object.extent(1) == object_y && state.object.extent(2) == object_x,
         "the object's size is not the layout's");
  device::Memory* const memory = kernels.memory();
  kernels.prepare(problem, state);
  expect(state.probe.memory() == memory && state.object.memory() == memory, "the state is in another memory");
  object_overlap_.numerator = device::Array<Complex<T>, 3>::zeros(state.object.extents(), memory);
  object_overlap_.denominator = device::Array<T, 2>::zeros({object_y, object_x}, memory);
  probe_overlap_.numerator = device::Array<Complex<T>, 3>::zeros(state.probe.extents(), memory);
  probe_overlap_.denominator = device::Array<T, 2>::zeros({frame_y, frame_x}, memory);
  state.exit_waves =
      device::Array<T, 3>::uninitialized({problem.local_count(), state.mode_pairs(), kernels.exit_wave_size()},
                                         memory);  // first touched by the threads that will use them
  kernels.start_exit_waves(problem, state);        // (2)
}

// One iteration. With M = M_P·M_O mode pairs, V views on this rank and n² pixels a frame, memory traffic beside the
// waves that stay in cache is: ψ read twice and written once (V·M·n²), magnitudes read once (V·n²).
//
//     ψ ← ψ + β{F⁻¹F_c[2PO − ψ] − PO}        (3), (4)
//     O ← Σ_k Σ_j P*ψ / Σ_k Σ_j |P|²         (6), numerator gathered in the sweep of (3)
//     P ← Σ_l Σ_j O*ψ / Σ_l Σ_j |O|²         (5), with the new O: numerator in a second sweep over ψ
//
// `update_order: probe_first` swaps (6) and (5). The second update must see the result of the first: with both from the
// old values the common scale of P and O runs away.
template <class T>
IterationFigures Engine<T>::iterate() {
  const auto start = std::chrono::steady_clock::now();
  ++iteration_;
  const bool object_moves = iteration_ >= settings_.object_start;
  const bool probe_moves = iteration_ >= settings_.probe_start;
  const bool object_first = settings_.update_order == UpdateOrder::object_first;
  IterationFigures figures{iteration_, std::vector<double>(static_cast<std::size_t>(state_.object_modes())),
                           std::vector<double>(static_cast<std::size_t>(state_.probe_modes()))};

  const Gather gather = object_first ? (object_moves ? Gather::object : Gather::nothing)
                                     : (probe_moves ? Gather::probe : Gather::nothing);
  ChangeSums exit_wave =
      kernels_.update_exit_waves(problem_, state_, static_cast<T>(settings_.beta), settings_.modulus_bound, gather,
                                 object_first ? object_overlap_ : probe_overlap_);  // (3), (4)
  if (object_first) {
    if (object_moves) figures.object_change = update_object(Numerator::gathered);
    if (probe_moves) figures.probe_change = update_probe(Numerator::to_gather);
  } else {
    if (probe_moves) figures.probe_change = update_probe(Numerator::gathered);
    if (object_moves) figures.object_change = update_object(Numerator::to_gather);
  }
  if (settings_.orthogonalise_every > 0 && iteration_ % settings_.orthogonalise_every == 0) orthogonalise_probe();

  ranks_.sum(&exit_wave.change, 1);
  ranks_.sum(&exit_wave.norm, 1);
  figures.exit_wave_change = ratio(exit_wave.change, exit_wave.norm);
  figures.fourier_error = r_factor(sample_stride(problem_.layout().view_count()));
  figures.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return figures;
}

template <class T>
std::vector<double> Engine<T>::update_object(Numerator numerator) {
  if (numerator == Numerator::to_gather) kernels_.gather_object(problem_, state_, object_overlap_);
  kernels_.sum(object_overlap_.numerator, ranks_);
  kernels_.cover_object(problem_, state_, object_overlap_);
  const auto sums = kernels_.divide(object_overlap_, object_floor, lit_coverage, state_.object);  // (6)
  if (settings_.object_bounds.any()) kernels_.bound_object(settings_.object_bounds, state_.object);
  return changes(sums);
}

template <class T>
std::vector<double> Engine<T>::update_probe(Numerator numerator) {
  if (numerator == Numerator::to_gather) kernels_.gather_probe(problem_, state_, probe_overlap_);
  kernels_.sum(probe_overlap_.numerator, ranks_);
  kernels_.cover_probe(problem_, state_, probe_overlap_);
  const auto sums = kernels_.divide(probe_overlap_, probe_floor, 0, state_.probe);  // (5)
  if (settings_.probe_support_px) kernels_.support_probe(*settings_.probe_support_px, state_.probe);
  return changes(sums);
}

template <class T>
void Engine<T>::orthogonalise_probe() {
  const auto rotation = orthogonal_rotation<T>(device::OnHost(state_.probe));
  kernels_.rotate_probe_modes(rotation, state_);
}

template <class T>
double Engine<T>::r_factor(Index stride) {
  const FitSums fit = kernels_.fit(problem_, state_, stride);
  double totals[] = {fit.misfit, fit.measured};
  ranks_.sum(totals, std::size(totals));
  return ratio(totals[0], totals[1]);
}

template <class T>
device::Array<float, 2> Engine<T>::coverage() {
  kernels_.cover_object(problem_, state_, object_overlap_);
  const device::OnHost denominator(object_overlap_.denominator);
  const auto light_per_pixel = denominator.view();
  const T largest = *std::ranges::max_element(light_per_pixel);
  device::Array<float, 2> relative(light_per_pixel.extents());
  std::transform(light_per_pixel.begin(), light_per_pixel.end(), relative.begin(),
                 [&](T light) { return largest > 0 ? static_cast<float>(light / largest) : 0.0f; });
  return relative;
}

template class Engine<float>;
template class Engine<double>;

}  // namespace ptychoflow::ptycho
