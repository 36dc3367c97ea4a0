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

template <class T>
RowsHere object_here(const Run<T>& run) {
  return {run.problem.distribution().rows, run.problem.distribution().owned, run.ranks};
}

/// Every rank has the whole probe.
template <class T>
RowsHere probe_here(const Run<T>& run) {
  const Index rows = run.problem.layout().frame.y;
  return {{0, rows}, {0, rows}, {}};
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
  Engine<T> engine(problem, state, settings, kernels, ranks, paging);
  return go_on({engine, problem, state, settings, kernels, ranks}, {}, observer, checkpoints);
}

template <class T>
Result<T> go_on(const Run<T>& run, std::vector<IterationFigures> history, const Observer& observer,
                const Checkpoints<T>* checkpoints) {
  const auto& [engine, problem, state, settings, kernels, ranks] = run;
  const auto before = static_cast<Index>(history.size());
  Index done = before;
  bool stopped = false;
  AlignedMean<T> mean_object(object_here(run)), mean_probe(probe_here(run));
  const Progress<T> progress{engine, state, history, mean_object, mean_probe};
  if (checkpoints && checkpoints->found_iteration() > 0) {
    checkpoints->restore(progress);
    done = checkpoints->found_iteration();
  }
  const auto average_after =
      before + static_cast<Index>(settings.average_from * static_cast<double>(settings.iterations));
  for (Index i = done + 1; i <= before + settings.iterations && !stopped; ++i) {
    history.push_back(engine.iterate());
    if (i > average_after) {
      mean_object.add(device::OnHost(state.object));
      mean_probe.add(device::OnHost(state.probe));
    }
    double wishes_to_stop = observer(history.back()) == Wish::stop ? 1 : 0;
    ranks.sum(&wishes_to_stop, 1);
    stopped = wishes_to_stop > 0;
    if (checkpoints && (stopped || checkpoints->due(i))) checkpoints->save(i, progress);
    if (settled(history.back(), settings)) break;
  }
  state.exit_waves = {};
  mean_object.replace(state.object);
  mean_probe.replace(state.probe);
  kernels.take_object(state);
  kernels.take_probe(state);
  const double r_factor = engine.r_factor();
  const device::OnHost object(state.object), probe(state.probe);
  const device::OnHost light(engine.light_on_object());
  Result<T> result = present<T>(run, {object, probe, light}, settings.gather_object);
  result.r_factor = r_factor;
  result.history = std::move(history);
  result.stopped = stopped;
  return result;
}

template <class T>
device::Array<float, 2> coverage_of(View<const T, 2> light, const comm::Communicator& ranks) {
  const T most_here = light.empty() ? T(0) : *std::ranges::max_element(light);
  const auto most = static_cast<T>(ranks.max(static_cast<double>(most_here)));
  device::Array<float, 2> share(light.extents());
  std::ranges::transform(light, share.begin(),
                         [most](T here) { return most > 0 ? static_cast<float>(here / most) : 0.0f; });
  return share;
}

template <class T>
Result<T> present(const Run<T>& run, const Reached<T>& reached, bool whole_object) {
  const Index object_rows = run.problem.layout().object.y;
  const RowsHere here = object_here(run);
  Result<T> result;
  const auto coverage = coverage_of(reached.light, run.ranks);
  const auto object = orthogonal<T>(reached.object, here);
  if (whole_object) {
    result.coverage = whole_on_root(coverage.view(), object_rows, here);
    result.object = whole_on_root(object.view(), object_rows, here);
  } else {
    result.coverage = owned_rows(coverage.view(), here);
    result.object = owned_rows(object.view(), here);
  }
  result.probe = orthogonal<T>(reached.probe, probe_here(run));
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
  template Result<T> go_on(const Run<T>&, std::vector<IterationFigures>, const Observer&, const Checkpoints<T>*);      \
  template device::Array<float, 2> coverage_of(View<const T, 2>, const comm::Communicator&);                           \
  template Result<T> present(const Run<T>&, const Reached<T>&, bool);                                                  \
  template Index find_probe_modes(const Problem<T>&, const std::function<State<T>(Index)>&, const Settings&, Index,    \
                                  Index, Kernels<T>&, const comm::Communicator&, const Observer&, const PagingPlan&);

PTYCHOFLOW_INSTANTIATE(float)
PTYCHOFLOW_INSTANTIATE(double)

}  // namespace ptychoflow::ptycho
