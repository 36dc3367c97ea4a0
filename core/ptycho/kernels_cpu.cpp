// The CPU side of kernels.hpp: which thread takes which views, and in what order their sums are added up. What is done
// with a view is in view_waves.cpp, the arithmetic in operators.hpp.

#include <algorithm>
#include <cmath>

#include "core/ptycho/operators.hpp"
#include "core/ptycho/rows_cpu.hpp"
#include "core/ptycho/view_blocks.hpp"
#include "core/ptycho/view_waves.hpp"

namespace ptychoflow::ptycho {

namespace {

using device::Array;
using device::Share;

template <class T>
class CpuKernels final : public Kernels<T> {
 public:
  CpuKernels(device::ThreadPool& threads, Yx<Index> frame) : threads_(threads), frame_(frame), plan_(frame) {
    for (int t = 0; t < threads.size(); ++t) waves_.emplace_back(plan_, fields_);
  }

  Index exit_wave_size() const override { return plan_.mode_size(); }

  Array<Complex<T>, 4> unpacked_exit_waves(const State<T>& state) const override {
    const auto [views, mode_pairs, size] = state.exit_waves.extents();
    Array<Complex<T>, 4> waves({views, mode_pairs, frame_.y, frame_.x});
    for (Index v = 0; v < views; ++v) {
      for (Index kl = 0; kl < mode_pairs; ++kl) unpack(plan_, &state.exit_waves(v, kl, 0), waves.view()[v][kl]);
    }
    return waves;
  }

  void pack_exit_waves(View<const Complex<T>, 4> waves, State<T>& state) const override {
    for (Index v = 0; v < waves.extent(0); ++v) {
      for (Index kl = 0; kl < waves.extent(1); ++kl) pack(plan_, waves[v][kl], &state.exit_waves(v, kl, 0));
    }
  }

  void start_exit_waves(const Problem<T>& problem, State<T>& state) override {
    fields_.take(plan_, state, threads_);
    for_blocks(problem, state, Gather::nothing, [&](ViewWaves<T>&, ViewBlock<T>& block) {
      for_strips(state, block, [&](Index v, Index k, Index l, Index s) {
        plan_.loops.multiply(&state.exit_waves(v, k * state.object_modes() + l, s * plan_.strip_size()),
                             fields_.probe(k, s), fields_.object(l, problem.window(v), s), frame_.y);
      });
    });
  }

  ChangeSums update_exit_waves(const Problem<T>& problem, State<T>& state, T beta, std::optional<double> modulus_bound,
                               Gather gather, Overlap<T>& overlap) override {
    fields_.take(plan_, state, threads_);
    for_blocks(problem, state, gather, [&](ViewWaves<T>& waves, ViewBlock<T>& block) {
      for (Index v = block.views.first; v < block.views.last; ++v) {
        const Yx<Index> window = problem.window(v);
        const auto psi = state.exit_waves.view()[v];
        waves.reflect(window, psi);
        const auto now = waves.replace_modulus(problem.magnitudes(v));
        const double e = now.measured_pixels > 0 ? now.fit.misfit / now.measured_pixels : 0;
        const T slack = static_cast<T>(op::slack(e, modulus_bound.value_or(0)));
        block.change +=
            waves.update(window, psi, beta, slack, block.object_sum, {window.y - block.first_row, window.x});
      }
      if (gather == Gather::probe) add_probe_terms(problem, state, block);
    });
    blocks_.merge(gather, overlap);
    return blocks_.change();
  }

  void gather_object(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) override {
    fields_.take(plan_, state, threads_);
    for_blocks(problem, state, Gather::object, [&](ViewWaves<T>&, ViewBlock<T>& block) {
      for_strips(state, block, [&](Index v, Index k, Index l, Index s) {
        const Yx<Index> window = problem.window(v);
        plan_.loops.add_overlap_term(
            strips::planar(block.object_sum, l, {window.y - block.first_row, window.x + s * plan_.lanes}),
            strips::planar(fields_.probe(k, s)),
            &state.exit_waves(v, k * state.object_modes() + l, s * plan_.strip_size()), frame_.y);
      });
    });
    blocks_.merge(Gather::object, overlap);
  }

  void gather_probe(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) override {
    fields_.take(plan_, state, threads_);
    for_blocks(problem, state, Gather::probe,
               [&](ViewWaves<T>&, ViewBlock<T>& block) { add_probe_terms(problem, state, block); });
    blocks_.merge(Gather::probe, overlap);
  }

  // Both denominators: a thread owns rows of the result and goes through all views, so that the order of the sum does
  // not depend on the number of threads or ranks.
  void cover_object(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) override {
    Array<T, 2>& light = zeros(light_, {frame_.y, frame_.x});  // Σ_k |P_k|²
    for (Index k = 0; k < state.probe_modes(); ++k) rows::add_norm(light.data(), &state.probe(k, 0, 0), light.size());
    auto& cover = overlap.denominator;
    threads_.run_in_bands(cover.extent(0), [&](Share band) {
      std::fill(&cover(band.first, 0), &cover(band.first, 0) + band.size() * cover.extent(1), T(0));
      for (const auto& w : problem.scan_windows()) {
        for (Index y = std::max(band.first, w.y); y < std::min(band.last, w.y + frame_.y); ++y) {
          rows::add(&cover(y, w.x), &light(y - w.y, 0), frame_.x);
        }
      }
    });
  }

  void cover_probe(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) override {
    Array<T, 2>& transmission = zeros(transmission_, {state.object.extent(1), state.object.extent(2)});  // Σ_l |O_l|²
    for (Index l = 0; l < state.object_modes(); ++l) {
      rows::add_norm(transmission.data(), &state.object(l, 0, 0), transmission.size());
    }
    auto& cover = overlap.denominator;
    threads_.run_in_bands(cover.extent(0), [&](Share band) {
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
    threads_.run_in_bands(height, [&](Share band) {
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
    const Index objects = state.object_modes(), pixels = frame_.y * frame_.x;
    for (Index i = 0; i < pixels; ++i) {
      rotate(
          rotation, [&](Index m) { return state.probe.data()[m * pixels + i]; },
          [&](Index k, Complex<T> value) { state.probe.data()[k * pixels + i] = value; });
    }
    threads_.run_in_bands(state.exit_waves.extent(0), [&](Share views) {
      for (Index v = views.first; v < views.last; ++v) {
        for (Index l = 0; l < objects; ++l) {
          for (Index row = 0; row < plan_.mode_size(); row += plan_.row) {
            for (Index i = row; i < row + plan_.lanes; ++i) {
              rotate(
                  rotation,
                  [&](Index m) {
                    const T* re = &state.exit_waves(v, m * objects + l, i);
                    return Complex<T>{re[0], re[plan_.lanes]};
                  },
                  [&](Index k, Complex<T> value) {
                    T* re = &state.exit_waves(v, k * objects + l, i);
                    re[0] = value.re, re[plan_.lanes] = value.im;
                  });
            }
          }
        }
      }
    });
  }

  void bound_object(const ObjectBounds& bounds, View<Complex<T>, 3> object) override {
    threads_.run_in_bands(object.size(), [&](Share pixels) {
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
    fields_.take(plan_, state, threads_);
    for_blocks(problem, state, Gather::nothing, [&](ViewWaves<T>& waves, ViewBlock<T>& block) {
      for (Index v = block.views.first; v < block.views.last; ++v) {
        if (problem.scan_index(v) % stride != 0) continue;
        waves.multiply(problem.window(v));
        block.fit += waves.compare(problem.magnitudes(v)).fit;
      }
    });
    return blocks_.fit();
  }

 private:
  /// Calls body(waves of the thread, block) for this rank's views, with the block's sums started at zero.
  template <class Body>
  void for_blocks(const Problem<T>& problem, const State<T>& state, Gather gather, const Body& body) {
    blocks_.share_out(problem);
    threads_.run_in_turn(blocks_.count(), [&](int thread, Index item) {
      auto& waves = waves_[static_cast<std::size_t>(thread)];
      waves.prepare(state.probe_modes(), state.object_modes());
      body(waves, blocks_.start(item, problem, state, gather));
    });
  }

  /// Calls body(view, probe mode, object mode, strip) for the block's views.
  template <class Body>
  void for_strips(const State<T>& state, const ViewBlock<T>& block, const Body& body) const {
    for (Index v = block.views.first; v < block.views.last; ++v) {
      for (Index k = 0; k < state.probe_modes(); ++k) {
        for (Index l = 0; l < state.object_modes(); ++l) {
          for (Index s = 0; s < plan_.strips(); ++s) body(v, k, l, s);
        }
      }
    }
  }

  void add_probe_terms(const Problem<T>& problem, const State<T>& state, ViewBlock<T>& block) const {
    for_strips(state, block, [&](Index v, Index k, Index l, Index s) {
      plan_.loops.add_overlap_term(strips::planar(&block.probe_sum(k, s, 0)), fields_.object(l, problem.window(v), s),
                                   &state.exit_waves(v, k * state.object_modes() + l, s * plan_.strip_size()),
                                   frame_.y);
    });
  }

  template <class Get, class Set>
  static void rotate(View<const Complex<double>, 2> rotation, const Get& get, const Set& set) {
    const Index modes = rotation.extent(0);
    std::vector<Complex<T>> old(static_cast<std::size_t>(modes));
    for (Index m = 0; m < modes; ++m) old[static_cast<std::size_t>(m)] = get(m);
    for (Index k = 0; k < modes; ++k) {
      Complex<T> sum{};
      for (Index m = 0; m < modes; ++m) {
        const Complex<double> u = rotation(k, m);
        sum += Complex<T>{static_cast<T>(u.re), static_cast<T>(u.im)} * old[static_cast<std::size_t>(m)];
      }
      set(k, sum);
    }
  }

  static Array<T, 2>& zeros(Array<T, 2>& array, Extents<2> extents) {
    if (array.extents() != extents) array = Array<T, 2>::uninitialized(extents);
    std::fill(array.begin(), array.end(), T(0));
    return array;
  }

  device::ThreadPool& threads_;
  Yx<Index> frame_;
  StripPlan<T> plan_;
  PlanarFields<T> fields_;
  ViewBlocks<T> blocks_{threads_, plan_};
  std::vector<ViewWaves<T>> waves_;  ///< a thread's
  Array<T, 2> light_, transmission_;
};

}  // namespace

template <class T>
std::unique_ptr<Kernels<T>> make_cpu_kernels(device::ThreadPool& threads, Yx<Index> frame) {
  return std::make_unique<CpuKernels<T>>(threads, frame);
}

template std::unique_ptr<Kernels<float>> make_cpu_kernels(device::ThreadPool&, Yx<Index>);
template std::unique_ptr<Kernels<double>> make_cpu_kernels(device::ThreadPool&, Yx<Index>);

}  // namespace ptychoflow::ptycho
