// The CPU side of kernels.hpp: which thread takes which view, and the sweeps over a view's rows. Arithmetic is in
// operators.hpp, its loops in rows_cpu.cpp.

#include <algorithm>
#include <cmath>

#include "core/device/fft.hpp"
#include "core/ptycho/operators.hpp"
#include "core/ptycho/rows_cpu.hpp"

namespace ptychoflow::ptycho {

namespace {

using device::Array;
using device::Share;
using device::share_of;

/// What one thread has to itself.
template <class T>
struct Workspace {
  Array<Complex<T>, 2> waves;  ///< [mode pair][pixel, padded so that each mode is aligned]
  Array<T, 1> model;           ///< [pixel]
};

/// Some of this rank's views and their sums. Threads take blocks as they come free; the blocks' sums are added up in
/// the order of the blocks, so that the result does not depend on who took which.
template <class T>
struct Block {
  Share views;
  View<Complex<T>, 3>
      sum;  ///< numerator, [mode][row − first_row][x]: of the object, only the rows that its views touch
  Index first_row = 0;
  Array<Complex<T>, 1> storage;  ///< of `sum`
  ChangeSums change;
  FitSums fit;
};

template <class T>
class CpuKernels final : public Kernels<T> {
 public:
  CpuKernels(device::ThreadPool& threads, Yx<Index> frame, device::FftPlanning planning)
      : threads_(threads),
        frame_(frame),
        fft_(frame.y, frame.x, planning),
        spaces_(static_cast<std::size_t>(threads.size())) {}

  void start_exit_waves(const Problem<T>& problem, State<T>& state) override {
    for_views(problem, state, Gather::nothing, [&](Workspace<T>&, Block<T>&, Index v) {
      for_mode_rows(problem, state, v, [&](Index k, Index l, Index y, const Complex<T>* o) {
        rows::multiply(&state.exit_waves(v, k * state.object_modes() + l, y, 0), &state.probe(k, y, 0), o, frame_.x);
      });
    });
  }

  ChangeSums update_exit_waves(const Problem<T>& problem, State<T>& state, T beta, std::optional<double> modulus_bound,
                               Gather gather, Overlap<T>& overlap) override {
    for_views(problem, state, gather, [&](Workspace<T>& space, Block<T>& block, Index v) {
      for_mode_rows(problem, state, v, [&](Index k, Index l, Index y, const Complex<T>* o) {
        const Index kl = k * state.object_modes() + l;
        rows::reflect(&space.waves(kl, y * frame_.x), &state.probe(k, y, 0), o, &state.exit_waves(v, kl, y, 0),
                      frame_.x);
      });
      project_modulus(space, problem.magnitudes(v), state.mode_pairs(), modulus_bound);
      for_mode_rows(problem, state, v, [&](Index k, Index l, Index y, const Complex<T>* o) {
        const Index kl = k * state.object_modes() + l;
        Complex<T>* psi = &state.exit_waves(v, kl, y, 0);
        const Complex<T>* p = &state.probe(k, y, 0);
        block.change += rows::update_exit_wave(psi, &space.waves(kl, y * frame_.x), p, o, beta, frame_.x);
        if (gather == Gather::object)
          rows::add_conjugate_product(object_row(block, problem, v, l, y), p, psi, frame_.x);
        if (gather == Gather::probe) rows::add_conjugate_product(&block.sum(k, y, 0), o, psi, frame_.x);
      });
    });
    merge(gather, overlap);
    ChangeSums total;
    for (const auto& block : blocks_) total += block.change;
    return total;
  }

  void gather_object(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) override {
    for_views(problem, state, Gather::object, [&](Workspace<T>&, Block<T>& block, Index v) {
      for_mode_rows(problem, state, v, [&](Index k, Index l, Index y, const Complex<T>*) {
        const Complex<T>* psi = &state.exit_waves(v, k * state.object_modes() + l, y, 0);
        rows::add_conjugate_product(object_row(block, problem, v, l, y), &state.probe(k, y, 0), psi, frame_.x);
      });
    });
    merge(Gather::object, overlap);
  }

  void gather_probe(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) override {
    for_views(problem, state, Gather::probe, [&](Workspace<T>&, Block<T>& block, Index v) {
      for_mode_rows(problem, state, v, [&](Index k, Index l, Index y, const Complex<T>* o) {
        const Complex<T>* psi = &state.exit_waves(v, k * state.object_modes() + l, y, 0);
        rows::add_conjugate_product(&block.sum(k, y, 0), o, psi, frame_.x);
      });
    });
    merge(Gather::probe, overlap);
  }

  // Both denominators: a thread owns rows of the result and goes through all views, so that the order of the sum does
  // not depend on the number of threads or ranks.
  void cover_object(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) override {
    Array<T, 2> light({frame_.y, frame_.x});  // Σ_k |P_k|²
    for (Index k = 0; k < state.probe_modes(); ++k) rows::add_norm(light.data(), &state.probe(k, 0, 0), light.size());
    auto& cover = overlap.denominator;
    for_rows(cover.extent(0), [&](Share band) {
      std::fill(&cover(band.first, 0), &cover(band.first, 0) + band.size() * cover.extent(1), T(0));
      for (const auto& w : problem.scan_windows()) {
        for (Index y = std::max(band.first, w.y); y < std::min(band.last, w.y + frame_.y); ++y) {
          rows::add(&cover(y, w.x), &light(y - w.y, 0), frame_.x);
        }
      }
    });
  }

  void cover_probe(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) override {
    Array<T, 2> transmission({state.object.extent(1), state.object.extent(2)});  // Σ_l |O_l|²
    for (Index l = 0; l < state.object_modes(); ++l) {
      rows::add_norm(transmission.data(), &state.object(l, 0, 0), transmission.size());
    }
    auto& cover = overlap.denominator;
    for_rows(cover.extent(0), [&](Share band) {
      std::fill(&cover(band.first, 0), &cover(band.first, 0) + band.size() * cover.extent(1), T(0));
      for (const auto& w : problem.scan_windows()) {
        for (Index y = band.first; y < band.last; ++y) {
          rows::add(&cover(y, 0), &transmission(w.y + y, w.x), frame_.x);
        }
      }
    });
  }

  std::vector<ChangeSums> divide(const Overlap<T>& overlap, double floor, double lit,
                                 View<Complex<T>, 3> target) override {
    const T largest = rows::largest(overlap.denominator.data(), overlap.denominator.size());
    if (!(largest > 0))
      throw Error(
          ErrorCode::data,
          "probe or object has become zero everywhere: check the frames, the starting probe and the object bounds");
    const Index modes = target.extent(0), height = target.extent(1), width = target.extent(2);
    std::vector<ChangeSums> by_row(static_cast<std::size_t>(modes * height));
    for_rows(height, [&](Share band) {
      for (Index m = 0; m < modes; ++m) {
        for (Index y = band.first; y < band.last; ++y) {
          by_row[static_cast<std::size_t>(m * height + y)] =
              rows::divide(&target(m, y, 0), &overlap.numerator(m, y, 0), &overlap.denominator(y, 0),
                           static_cast<T>(floor) * largest, static_cast<T>(lit) * largest, width);
        }
      }
    });
    std::vector<ChangeSums> sums(static_cast<std::size_t>(modes));
    for (std::size_t i = 0; i < by_row.size(); ++i) sums[i / static_cast<std::size_t>(height)] += by_row[i];
    return sums;
  }

  void rotate_probe_modes(View<const Complex<double>, 2> rotation, State<T>& state) override {
    const Index modes = state.probe_modes(), objects = state.object_modes(), pixels = frame_.y * frame_.x;
    const auto rotate = [&](Complex<T>* first, Index stride) {  // mode m lies at first + m·stride
      std::vector<Complex<T>> old(static_cast<std::size_t>(modes));
      for (Index i = 0; i < pixels; ++i) {
        for (Index m = 0; m < modes; ++m) old[static_cast<std::size_t>(m)] = first[m * stride + i];
        for (Index k = 0; k < modes; ++k) {
          Complex<T> sum{};
          for (Index m = 0; m < modes; ++m) {
            const Complex<double> u = rotation(k, m);
            sum += Complex<T>{static_cast<T>(u.re), static_cast<T>(u.im)} * old[static_cast<std::size_t>(m)];
          }
          first[k * stride + i] = sum;
        }
      }
    };
    rotate(state.probe.data(), pixels);
    threads_.run([&](int t) {
      const Share views = share_of(state.exit_waves.extent(0), t, threads_.size());
      for (Index v = views.first; v < views.last; ++v) {
        for (Index l = 0; l < objects; ++l) rotate(&state.exit_waves(v, l, 0, 0), objects * pixels);
      }
    });
  }

  void bound_object(const ObjectBounds& bounds, View<Complex<T>, 3> object) override {
    for_rows(object.size(), [&](Share pixels) {
      for (Index i = pixels.first; i < pixels.last; ++i) object.data()[i] = op::bounded(object.data()[i], bounds);
    });
  }

  void support_probe(double radius_px, View<Complex<T>, 3> probe) override {
    for (Index k = 0; k < probe.extent(0); ++k) {
      for (Index y = 0; y < frame_.y; ++y) {
        for (Index x = 0; x < frame_.x; ++x) {
          const double dy = static_cast<double>(y - frame_.y / 2), dx = static_cast<double>(x - frame_.x / 2);
          if (dy * dy + dx * dx > radius_px * radius_px) probe(k, y, x) = {};
        }
      }
    }
  }

  FitSums fit(const Problem<T>& problem, const State<T>& state, Index stride) override {
    for_views(problem, state, Gather::nothing, [&](Workspace<T>& space, Block<T>& block, Index v) {
      if (problem.scan_index(v) % stride != 0) return;
      for_mode_rows(problem, state, v, [&](Index k, Index l, Index y, const Complex<T>* o) {
        rows::multiply(&space.waves(k * state.object_modes() + l, y * frame_.x), &state.probe(k, y, 0), o, frame_.x);
      });
      block.fit += model_magnitudes(space, problem.magnitudes(v), state.mode_pairs()).fit;
    });
    FitSums total;
    for (const auto& block : blocks_) total += block.fit;
    return total;
  }

 private:
  /// Calls body(workspace of the thread, block, view) for this rank's views, with the block's sums started at zero.
  template <class Body>
  void for_views(const Problem<T>& problem, const State<T>& state, Gather gather, const Body& body) {
    share_out(problem);
    threads_.run_in_turn(static_cast<Index>(blocks_.size()), [&](int thread, Index item) {
      auto& space = spaces_[static_cast<std::size_t>(thread)];
      auto& block = blocks_[static_cast<std::size_t>(item)];
      make_room(space, state.mode_pairs());
      start_sums(block, problem, state, gather);
      for (Index v = block.views.first; v < block.views.last; ++v) body(space, block, v);
    });
  }

  /// Gives each thread a band of rows.
  template <class Body>
  void for_rows(Index count, const Body& body) {
    threads_.run([&](int t) {
      const Share band = share_of(count, t, threads_.size());
      if (band.size() > 0) body(band);
    });
  }

  /// Calls body(k, l, y, row of O_l under row y of view v) for every mode pair and row.
  template <class Body>
  void for_mode_rows(const Problem<T>& problem, const State<T>& state, Index v, const Body& body) const {
    const Yx<Index> w = problem.window(v);
    for (Index k = 0; k < state.probe_modes(); ++k) {
      for (Index l = 0; l < state.object_modes(); ++l) {
        for (Index y = 0; y < frame_.y; ++y) body(k, l, y, &state.object(l, w.y + y, w.x));
      }
    }
  }

  Complex<T>* object_row(Block<T>& block, const Problem<T>& problem, Index v, Index l, Index y) const {
    const Yx<Index> w = problem.window(v);
    return &block.sum(l, w.y + y - block.first_row, w.x);
  }

  /// Transforms the waves and sets model = √Σ|F wave|², normalised so that a transform keeps the sum of squares.
  rows::Deviation model_magnitudes(Workspace<T>& space, View<const T, 2> measured, Index mode_pairs) const {
    const Index pixels = frame_.y * frame_.x;
    for (Index kl = 0; kl < mode_pairs; ++kl) {
      Complex<T>* wave = &space.waves(kl, 0);
      fft_.forward(wave);
      kl == 0 ? rows::set_norm(space.model.data(), wave, pixels) : rows::add_norm(space.model.data(), wave, pixels);
    }
    const T unitary = T(1) / std::sqrt(static_cast<T>(pixels));
    rows::Deviation total;
    for (Index y = 0; y < frame_.y; ++y) {
      const auto row = rows::deviation(&space.model[y * frame_.x], &measured(y, 0), unitary, frame_.x);
      total.fit += row.fit;
      total.measured_pixels += row.measured_pixels;
    }
    return total;
  }

  /// (4), relaxed: waves ← F⁻¹F_c[waves].
  void project_modulus(Workspace<T>& space, View<const T, 2> measured, Index mode_pairs,
                       std::optional<double> bound) const {
    const Index pixels = frame_.y * frame_.x;
    const rows::Deviation now = model_magnitudes(space, measured, mode_pairs);
    const double e = now.measured_pixels > 0 ? now.fit.misfit / now.measured_pixels : 0;
    const T slack = bound ? static_cast<T>(op::slack(e, *bound)) : T(0);
    const T unscale = T(1) / static_cast<T>(pixels);  // forward then inverse transform multiply by the pixels
    rows::modulus_factor(space.model.data(), measured.data(), slack, unscale, pixels);
    for (Index kl = 0; kl < mode_pairs; ++kl) {
      Complex<T>* wave = &space.waves(kl, 0);
      rows::scale(wave, space.model.data(), pixels);
      fft_.inverse(wave);
    }
  }

  void share_out(const Problem<T>& problem) {
    if (!blocks_.empty() && blocks_.back().views.last == problem.local_count()) return;
    blocks_.clear();
    for (const Share views : device::shrinking_shares(problem.local_count(), threads_.size())) {
      blocks_.emplace_back().views = views;
    }
  }

  void make_room(Workspace<T>& space, Index mode_pairs) const {
    const Index pixels = frame_.y * frame_.x;
    const Index aligned = (pixels + 7) / 8 * 8;
    if (space.waves.extents() == Extents<2>{mode_pairs, aligned}) return;
    space.waves = Array<Complex<T>, 2>({mode_pairs, aligned});
    space.model = Array<T, 1>({pixels});
  }

  void start_sums(Block<T>& block, const Problem<T>& problem, const State<T>& state, Gather gather) const {
    block.change = {};
    block.fit = {};
    if (gather == Gather::object) start_object_sum(block, problem, state);
    if (gather == Gather::probe) start_sum(block, 0, state.probe.extents());
  }

  void start_object_sum(Block<T>& block, const Problem<T>& problem, const State<T>& state) const {
    Index first = state.object.extent(1), last = 0;
    for (Index v = block.views.first; v < block.views.last; ++v) {
      first = std::min(first, problem.window(v).y);
      last = std::max(last, problem.window(v).y + frame_.y);
    }
    start_sum(block, first, {state.object_modes(), std::max<Index>(last - first, 0), state.object.extent(2)});
  }

  static void start_sum(Block<T>& block, Index first_row, Extents<3> extents) {
    block.first_row = first_row;
    block.sum = {block.storage.data(), extents};
    if (block.sum.size() > block.storage.size()) {
      block.storage = Array<Complex<T>, 1>::uninitialized({block.sum.size()});
      block.sum = {block.storage.data(), extents};
    }
    std::fill(block.sum.begin(), block.sum.end(), Complex<T>{});
  }

  /// Adds up the blocks' sums, always in the order of the blocks.
  void merge(Gather gather, Overlap<T>& overlap) {
    if (gather == Gather::nothing) return;
    auto& total = overlap.numerator;
    const Index modes = total.extent(0), height = total.extent(1), width = total.extent(2);
    for_rows(height, [&](Share band) {
      for (Index m = 0; m < modes; ++m) {
        for (Index y = band.first; y < band.last; ++y) {
          T* sum = reinterpret_cast<T*>(&total(m, y, 0));
          std::fill(sum, sum + 2 * width, T(0));
          for (auto& block : blocks_) {
            const Index row = y - block.first_row;
            if (row >= 0 && row < block.sum.extent(1))
              rows::add(sum, reinterpret_cast<const T*>(&block.sum(m, row, 0)), 2 * width);
          }
        }
      }
    });
  }

  device::ThreadPool& threads_;
  Yx<Index> frame_;
  device::Fft2d<T> fft_;
  std::vector<Workspace<T>> spaces_;  ///< a thread's
  std::vector<Block<T>> blocks_;
};

}  // namespace

template <class T>
std::unique_ptr<Kernels<T>> make_cpu_kernels(device::ThreadPool& threads, Yx<Index> frame,
                                             device::FftPlanning planning) {
  return std::make_unique<CpuKernels<T>>(threads, frame, planning);
}

template std::unique_ptr<Kernels<float>> make_cpu_kernels(device::ThreadPool&, Yx<Index>, device::FftPlanning);
template std::unique_ptr<Kernels<double>> make_cpu_kernels(device::ThreadPool&, Yx<Index>, device::FftPlanning);

}  // namespace ptychoflow::ptycho
