#include "core/ptycho/reconstruction.hpp"

#include <algorithm>

#include "core/device/on_host.hpp"
#include "core/ptycho/aligned_mean.hpp"
#include "core/ptycho/modes.hpp"
#include "core/ptycho/object_rows.hpp"

namespace ptychoflow::ptycho {
namespace {

/// Modes turned orthogonal, by falling power. Collective if the rows lie on several ranks.
template <class T>
device::Array<Complex<T>, 3> orthogonal(View<const Complex<T>, 3> modes, const RowsHere& rows) {
  if (modes.extent(0) == 1) return device::Array<Complex<T>, 3>::copy_of(modes);
  const auto overlap = overlaps(modes, modes, rows);
  return rotated<T>(orthogonal_rotation(overlap.view()), modes);
}

bool settled(const IterationFigures& figures, const Settings& settings) {
  if (figures.iteration < std::max(settings.probe_start, settings.object_start)) return false;
  const auto below = [&](double epsilon) { return epsilon < settings.tolerance; };
  return std::ranges::all_of(figures.object_change, below) && std::ranges::all_of(figures.probe_change, below);
}

}  // namespace

template <class T>
Result<T> reconstruct(const Problem<T>& problem, State<T> state, const Settings& settings, Kernels<T>& kernels,
                      const comm::Communicator& ranks, const Observer& observer, const PagingPlan& paging,
                      const Checkpoints<T>* checkpoints) {
  const Index done = checkpoints ? checkpoints->found_iteration() : 0;
  if (done > 0) checkpoints->restore_fields(state);
  state.probe = device::moved_to(kernels.memory(), std::move(state.probe));
  state.object = device::moved_to(kernels.memory(), std::move(state.object));
  const Index frame_rows = problem.layout().frame.y, object_rows = problem.layout().object.y;
  const RowsHere probe_here{{0, frame_rows}, {0, frame_rows}, {}};  // every rank has the whole probe
  const RowsHere object_here{problem.distribution().rows, problem.distribution().owned, ranks};
  Engine<T> engine(problem, state, settings, kernels, ranks, paging);
  Result<T> result;
  AlignedMean<T> mean_object(object_here), mean_probe(probe_here);
  const Progress<T> progress{engine, state, result.history, mean_object, mean_probe};
  if (done > 0) checkpoints->restore(progress);
  const auto average_after = static_cast<Index>(settings.average_from * static_cast<double>(settings.iterations));
  for (Index i = done + 1; i <= settings.iterations && !result.stopped; ++i) {
    result.history.push_back(engine.iterate());
    if (i > average_after) {
      mean_object.add(device::OnHost(state.object));
      mean_probe.add(device::OnHost(state.probe));
    }
    double wishes_to_stop = observer(result.history.back()) == Wish::stop ? 1 : 0;
    ranks.sum(&wishes_to_stop, 1);
    result.stopped = wishes_to_stop > 0;
    if (checkpoints && (result.stopped || checkpoints->due(i))) checkpoints->save(i, progress);
    if (settled(result.history.back(), settings)) break;
  }
  state.exit_waves = {};
  mean_object.replace(state.object);
  mean_probe.replace(state.probe);
  kernels.take_object(state);
  kernels.take_probe(state);
  result.r_factor = engine.r_factor();
  const auto coverage = engine.coverage();
  result.coverage = whole_on_root(coverage.view(), object_rows, object_here);
  const auto object = orthogonal<T>(device::OnHost(state.object), object_here);
  result.object = whole_on_root(object.view(), object_rows, object_here);
  result.probe = orthogonal<T>(device::OnHost(state.probe), probe_here);
  result.occupancy = occupancy<T>(result.probe.view());
  return result;
}

template <class T>
Index find_probe_modes(const Problem<T>& problem, const std::function<State<T>(Index)>& start, const Settings& settings,
                       Index iterations, Index most, Kernels<T>& kernels, const comm::Communicator& ranks,
                       const Observer& observer, const PagingPlan& paging) {
  Settings trial = settings;
  trial.iterations = iterations;
  trial.modulus_bound.reset();  // a frame that may keep some deviation also keeps modes that are not there
  for (Index modes = 2; modes <= most; ++modes) {
    const auto result = reconstruct(problem, start(modes), trial, kernels, ranks, observer, paging);
    if (result.stopped || result.occupancy.back() < least_occupancy) return modes - 1;
  }
  return most;
}

#define PTYCHOFLOW_INSTANTIATE(T)                                                                                      \
  template Result<T> reconstruct(const Problem<T>&, State<T>, const Settings&, Kernels<T>&, const comm::Communicator&, \
                                 const Observer&, const PagingPlan&, const Checkpoints<T>*);                           \
  template Index find_probe_modes(const Problem<T>&, const std::function<State<T>(Index)>&, const Settings&, Index,    \
                                  Index, Kernels<T>&, const comm::Communicator&, const Observer&, const PagingPlan&);

PTYCHOFLOW_INSTANTIATE(float)
PTYCHOFLOW_INSTANTIATE(double)

}  // namespace ptychoflow::ptycho
