#include "core/ptycho/engine.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>

#include "core/base/error.hpp"
#include "core/device/on_host.hpp"
#include "core/ptycho/modes.hpp"

namespace ptychoflow::ptycho {
namespace {

using device::Share;

/// R tells how far the iteration is: a sixteenth of the views, and four at least, are enough for that.
Index sample_stride(Index views) { return std::clamp<Index>(views / 4, 1, 16); }

/// While neighbours exchange rows, the rest is computed in so many parts, and messages move on in between.
constexpr Index parts_beside_an_exchange = 8;

void sum(std::span<ExactRatio> ratios, const comm::Communicator& ranks) {
  if (ranks.size() == 1) return;
  std::vector<std::int64_t> digits;
  for (auto& r : ratios) {
    digits.insert(digits.end(), r.part.digits().begin(), r.part.digits().end());
    digits.insert(digits.end(), r.whole.digits().begin(), r.whole.digits().end());
  }
  ranks.sum(digits.data(), static_cast<Index>(digits.size()));
  auto next = digits.begin();
  for (auto& r : ratios) {
    for (ExactSum* of : {&r.part, &r.whole}) {
      std::copy_n(next, of->digits().size(), of->digits().begin());
      next += static_cast<std::ptrdiff_t>(of->digits().size());
    }
  }
}

/// The most windows that cover one pixel of the rows that this rank holds; more than that where it costs time to know.
template <class T>
double most_views_on_a_pixel(const Problem<T>& problem) {
  const auto [height, width] = problem.held();
  const auto [frame_y, frame_x] = problem.layout().frame;
  device::Array<std::int32_t, 2> steps({height + 1, width + 1});  // of the count, along y and x
  for (const auto& w : problem.windows_here()) {
    const Index top = std::max<Index>(w.y, 0), bottom = std::min(w.y + frame_y, height);
    ++steps(top, w.x), --steps(bottom, w.x), --steps(top, w.x + frame_x), ++steps(bottom, w.x + frame_x);
  }
  std::vector<std::int64_t> column(static_cast<std::size_t>(width) + 1);
  std::int64_t most = 1;
  for (Index y = 0; y < height; ++y) {
    std::int64_t count = 0;
    for (Index x = 0; x <= width; ++x) {
      count += column[static_cast<std::size_t>(x)] += steps(y, x);
      most = std::max(most, count);
    }
  }
  return static_cast<double>(most);
}

}  // namespace

template <class T>
Engine<T>::Engine(const Problem<T>& problem, State<T>& state, const Settings& settings, Kernels<T>& kernels,
                  const comm::Communicator& ranks, const PagingPlan& paging)
    : problem_(problem),
      state_(state),
      settings_(settings),
      kernels_(kernels),
      ranks_(ranks),
      shared_rows_(problem.distribution(), ranks),
      pager_(paging, problem, state) {
  const auto [frame_y, frame_x] = problem.layout().frame;
  const auto [object_y, object_x] = problem.held();
  expect(state.probe.extent(1) == frame_y && state.probe.extent(2) == frame_x, "the probe's size is not the frame's");
  expect(state.object.extent(1) == object_y && state.object.extent(2) == object_x,
         "the object's size is not the problem's");
  device::Memory* const memory = kernels.memory();
  kernels.prepare(problem, state);
  expect(state.probe.memory() == memory && state.object.memory() == memory, "the state is in another memory");
  object_overlap_.numerator = device::Array<Complex<T>, 3>::zeros(state.object.extents(), memory);
  object_overlap_.denominator = device::Array<T, 2>::zeros({object_y, object_x}, memory);
  probe_overlap_.numerator = device::Array<Complex<T>, 3>::zeros(state.probe.extents(), memory);
  probe_overlap_.denominator = device::Array<T, 2>::zeros({frame_y, frame_x}, memory);
  if (settings.sums == Sums::whole_numbers) {
    using Whole = Complex<std::int64_t>;
    object_overlap_.whole_numerator = device::Array<Whole, 3>::zeros(state.object.extents(), memory);
    probe_overlap_.whole_numerator = device::Array<Whole, 3>::zeros(state.probe.extents(), memory);
    probe_overlap_.whole_denominator = device::Array<std::int64_t, 2>::zeros({frame_y, frame_x}, memory);
    object_terms_ = ranks_.max(most_views_on_a_pixel(problem));
  }
  kernels.take_probe(state);
  kernels.take_object(state);
  // First touched by the threads that will use them.
  state.exit_waves =
      device::Array<T, 3>::uninitialized({problem.local_count(), state.mode_pairs(), kernels.exit_wave_size()},
                                         paging.scratch ? paging.scratch : kernels.exit_wave_memory());
  pager_.for_slabs({0, problem.local_count()},
                   [&](Share views) { kernels_.start_exit_waves(problem_, state_, views); });  // (2)
}

// One iteration. With M = M_P·M_O mode pairs, V views on this rank and n² pixels a frame, memory traffic beside the
// waves that stay in cache is: ψ read twice and written once (V·M·n²), magnitudes read once (V·n²). Between ranks go
// rows of O that neighbours share, while the views that touch none of them are computed; P; and a few numbers.
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

  const Gather gather = object_first ? (object_moves ? Gather::object : Gather::nothing)
                                     : (probe_moves ? Gather::probe : Gather::nothing);
  Changes changes{std::vector<ExactRatio>(static_cast<std::size_t>(state_.object_modes())),
                  std::vector<ExactRatio>(static_cast<std::size_t>(state_.probe_modes()))};
  for_views(gather, [&](Share views, Overlap<T>& overlap) {
    kernels_.update_exit_waves(problem_, state_, views, static_cast<T>(settings_.beta), settings_.modulus_bound, gather,
                               overlap, changes.exit_wave);  // (3), (4)
  });
  if (object_first) {
    if (object_moves) update_object(Numerator::gathered, changes.object);
    if (probe_moves) update_probe(Numerator::to_gather, changes.probe);
  } else {
    if (probe_moves) update_probe(Numerator::gathered, changes.probe);
    if (object_moves) update_object(Numerator::to_gather, changes.object);
  }
  if (settings_.orthogonalise_every > 0 && iteration_ % settings_.orthogonalise_every == 0) orthogonalise_probe();

  const Index stride = sample_stride(problem_.layout().view_count());
  pager_.for_frames({0, problem_.local_count()},
                    [&](Share views) { kernels_.compare(problem_, state_, views, stride, changes.fit); });
  IterationFigures figures = figures_of(std::move(changes));
  figures.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return figures;
}

/// ε and R over all ranks, in one sum: on many ranks it is the number of messages that counts.
template <class T>
IterationFigures Engine<T>::figures_of(Changes changes) const {
  std::vector<ExactRatio> all = std::move(changes.object);
  all.insert(all.end(), changes.probe.begin(), changes.probe.end());
  all.insert(all.end(), {changes.exit_wave, changes.fit});
  sum(all, ranks_);
  IterationFigures figures{iteration_, {}, {}};
  auto next = all.begin();
  for (Index l = 0; l < state_.object_modes(); ++l) figures.object_change.push_back((next++)->root());
  for (Index k = 0; k < state_.probe_modes(); ++k) figures.probe_change.push_back((next++)->root());
  figures.exit_wave_change = (next++)->root();
  figures.fourier_error = next->root();
  return figures;
}

/// Calls body(views, overlap) for all of this rank's views, whose terms add up to the numerator that `gather` names.
/// Those of the object in shared rows come first, and are exchanged while the others are computed.
template <class T>
template <class Body>
void Engine<T>::for_views(Gather gather, const Body& body) {
  start_numerator(gather);
  Overlap<T>& overlap = gather == Gather::probe ? probe_overlap_ : object_overlap_;
  const Index views = problem_.local_count();
  const auto sweep = [&](Share some) { pager_.for_slabs(some, [&](Share slab) { body(slab, overlap); }); };
  const bool exchanging = gather == Gather::object && !problem_.distribution().whole;
  pager_.start_sweep(exchanging ? Begin::at_the_front : Begin::at_either_end);
  if (!exchanging) return sweep({0, views});

  const Index shared = problem_.shared_count();
  sweep({0, shared});
  shared_rows_.start(overlap);
  const Index parts = std::min(parts_beside_an_exchange, views - shared);
  for (Index part = 0; part < parts; ++part) {
    const Share rest = device::share_of(views - shared, part, parts);
    sweep({shared + rest.first, shared + rest.last});
    shared_rows_.advance();
  }
  shared_rows_.finish(overlap);
}

/// Numerator ← 0, and the scale of whole numbers from what the sum will be: Σ P*ψ ≈ Σ|P|²·O, and likewise for O*ψ.
template <class T>
void Engine<T>::start_numerator(Gather gather) {
  if (gather == Gather::nothing) return;
  Overlap<T>& overlap = gather == Gather::object ? object_overlap_ : probe_overlap_;
  if (settings_.sums == Sums::whole_numbers) {
    const double p2 = kernels_.largest_power(state_.probe), o2 = ranks_.max(kernels_.largest_power(state_.object));
    const double views = gather == Gather::object ? object_terms_ : static_cast<double>(problem_.scan_count());
    const double expected = gather == Gather::object ? views * p2 * std::sqrt(o2) : views * o2 * std::sqrt(p2);
    overlap.numerator_scale = fixed_point(expected, views * static_cast<double>(state_.mode_pairs()));
    if (gather == Gather::probe) overlap.denominator_scale = fixed_point(views * o2, views);
  }
  kernels_.clear(overlap);
}

template <class T>
void Engine<T>::update_object(Numerator numerator, std::vector<ExactRatio>& changes) {
  if (numerator == Numerator::to_gather) {
    for_views(Gather::object, [&](Share views, Overlap<T>& overlap) {
      kernels_.gather(problem_, state_, views, Gather::object, overlap);
    });
  }
  if (problem_.distribution().whole) kernels_.sum_numerator(object_overlap_, ranks_);
  kernels_.settle(object_overlap_);
  kernels_.cover_object(problem_, state_, object_overlap_);
  const T most_light = static_cast<T>(ranks_.max(static_cast<double>(kernels_.largest(object_overlap_.denominator))));
  divide(object_overlap_, most_light, object_floor, lit_coverage, problem_.owned_rows(), state_.object,
         changes);  // (6)
  if (settings_.object_bounds.any()) kernels_.bound_object(settings_.object_bounds, state_.object);
  kernels_.take_object(state_);
}

template <class T>
void Engine<T>::update_probe(Numerator numerator, std::vector<ExactRatio>& changes) {
  if (numerator == Numerator::to_gather) {
    for_views(Gather::probe, [&](Share views, Overlap<T>& overlap) {
      kernels_.gather(problem_, state_, views, Gather::probe, overlap);
    });
  }
  kernels_.cover_probe(problem_, state_, probe_overlap_);
  kernels_.sum_numerator(probe_overlap_, ranks_);
  kernels_.sum_denominator(probe_overlap_, ranks_);
  kernels_.settle(probe_overlap_);
  const T most_light = kernels_.largest(probe_overlap_.denominator);
  divide(probe_overlap_, most_light, probe_floor, 0, {0, ranks_.is_root() ? problem_.layout().frame.y : 0},
         state_.probe,
         changes);  // (5)
  if (settings_.probe_support_px) kernels_.support_probe(*settings_.probe_support_px, state_.probe);
  kernels_.take_probe(state_);
}

/// The quotient of (5) or (6), with floors relative to the largest denominator.
template <class T>
void Engine<T>::divide(const Overlap<T>& overlap, T largest, double floor, double lit, Share counted,
                       View<Complex<T>, 3> target, std::vector<ExactRatio>& changes) {
  if (!(largest > 0)) {
    throw Error(
        ErrorCode::data,
        "probe or object has become zero everywhere: check the frames, the starting probe and the object bounds");
  }
  kernels_.divide(overlap, static_cast<T>(floor) * largest, static_cast<T>(lit) * largest, counted, target, changes);
}

template <class T>
void Engine<T>::orthogonalise_probe() {
  const auto rotation = orthogonal_rotation<T>(device::OnHost(state_.probe));
  kernels_.rotate_probe(rotation, state_);
  pager_.start_sweep(Begin::at_either_end);
  pager_.for_slabs({0, problem_.local_count()},
                   [&](Share views) { kernels_.rotate_exit_waves(rotation, state_, views); });
  kernels_.take_probe(state_);
}

template <class T>
double Engine<T>::r_factor(Index stride) {
  ExactRatio fit;
  pager_.for_frames({0, problem_.local_count()},
                    [&](Share views) { kernels_.compare(problem_, state_, views, stride, fit); });
  sum({&fit, 1}, ranks_);
  return fit.root();
}

template <class T>
const device::Array<T, 2>& Engine<T>::light_on_object() {
  kernels_.cover_object(problem_, state_, object_overlap_);
  return object_overlap_.denominator;
}

template class Engine<float>;
template class Engine<double>;

}  // namespace ptychoflow::ptycho
