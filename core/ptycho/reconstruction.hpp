// From a start to a result: iterations with their history, an early end, averages, orthogonal modes.
#pragma once

#include <functional>
#include <vector>

#include "core/ptycho/checkpoint.hpp"
#include "core/ptycho/engine.hpp"

namespace ptychoflow::ptycho {

/// What a reconstruction ends in. The same on every rank, but for the object and its coverage: the root alone has them,
/// or with `gather_object: false` each rank the rows for which it speaks.
template <class T>
struct Result {
  device::Array<Complex<T>, 3> object;  ///< [object mode][y][x], orthogonal modes by falling power
  device::Array<Complex<T>, 3> probe;   ///< [probe mode][y][x], likewise
  device::Array<float, 2> coverage;     ///< [y][x], light on the object, relative to its maximum
  std::vector<double> occupancy;        ///< share of each probe mode
  std::vector<IterationFigures> history;
  double r_factor = 0;
  bool stopped = false;  ///< ended early because the observer asked
};

enum class Wish { go_on, stop };

/// Sees each iteration as it ends; may differ between ranks in what it wishes: one rank that wishes to stop is enough.
using Observer = std::function<Wish(const IterationFigures&)>;

/// Iterates from `state`, whose exit waves are released at the end. Collective over `ranks`.
/// @param checkpoints  none, or where to begin if there is a checkpoint, and where to leave some
template <class T>
Result<T> reconstruct(const Problem<T>& problem, State<T> state, const Settings& settings, Kernels<T>& kernels,
                      const comm::Communicator& ranks, const Observer& observer, const PagingPlan& paging = {},
                      const Checkpoints<T>* checkpoints = nullptr);

/// An engine, and what it was made with.
template <class T>
struct Run {
  Engine<T>& engine;
  const Problem<T>& problem;
  State<T>& state;
  const Settings& settings;
  Kernels<T>& kernels;
  const comm::Communicator& ranks;
};

/// `settings.iterations` more after those of `history`, and the end as of `reconstruct`. Collective.
template <class T>
Result<T> go_on(const Run<T>& run, std::vector<IterationFigures> history, const Observer& observer,
                const Checkpoints<T>* checkpoints = nullptr);

/// What has been reached between two iterations, as the processor sees it.
template <class T>
struct Reached {
  View<const Complex<T>, 3> object;  ///< [object mode][y][x] of the rows that this rank holds
  View<const Complex<T>, 3> probe;   ///< [probe mode][y][x]
  View<const T, 2> light;            ///< Engine::light_on_object
};

/// Engine::light_on_object relative to its maximum over all ranks. Collective.
template <class T>
device::Array<float, 2> coverage_of(View<const T, 2> light, const comm::Communicator& ranks);

/// The result that it makes, without R and history. Collective.
/// @param whole_object  on the root; else each rank has the rows for which it speaks
template <class T>
Result<T> present(const Run<T>& run, const Reached<T>& reached, bool whole_object);

/// The paper's trial runs: how many probe modes hold at least 1 % of the light each. Grows M_P from 1 until the weakest
/// mode holds less, or `most` is reached. Trials run with the paper's exact modulus projection. Collective over
/// `ranks`.
/// @param start       makes a state with the given number of probe modes
/// @param iterations  of each trial
template <class T>
Index find_probe_modes(const Problem<T>& problem, const std::function<State<T>(Index probe_modes)>& start,
                       const Settings& settings, Index iterations, Index most, Kernels<T>& kernels,
                       const comm::Communicator& ranks, const Observer& observer, const PagingPlan& paging = {});

/// A probe mode below this share of the light is not needed.
inline constexpr double least_occupancy = 0.01;

}  // namespace ptychoflow::ptycho
