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

  Array<Complex<T>, 4> unpacked_exit_waves(const State<T>& state, Share views) const override {
    Array<Complex<T>, 4> waves({views.size(), state.mode_pairs(), frame_.y, frame_.x});
    for (Index v = 0; v < views.size(); ++v) {
      for (Index kl = 0; kl < state.mode_pairs(); ++kl)
        unpack(plan_, &state.exit_waves(views.first + v, kl, 0), waves.view()[v][kl]);
    }
    return waves;
  }

  void pack_exit_waves(View<const Complex<T>, 4> waves, Index first, State<T>& state) override {
    for (Index v = 0; v < waves.extent(0); ++v) {
      for (Index kl = 0; kl < waves.extent(1); ++kl) pack(plan_, waves[v][kl], &state.exit_waves(first + v, kl, 0));
    }
  }

  void take_probe(const State<T>& state) override { fields_.take_probe(plan_, state); }
  void take_object(const State<T>& state) override { fields_.take_object(plan_, state, threads_); }

  void start_exit_waves(const Problem<T>& problem, State<T>& state, Share views) override {
    for_blocks(problem, state, views, Gather::nothing, {}, [&](ViewWaves<T>&, ViewBlock<T>& block) {
      for_strips(state, block, [&](Index v, Index k, Index l, Index s) {
        plan_.loops.multiply(&state.exit_waves(v, k * state.object_modes() + l, s * plan_.strip_size()),
                             fields_.probe(k, s), fields_.object(l, problem.window(v), s), frame_.y);
      });
    });
  }

  void clear(Overlap<T>& overlap) override {
    overlap.largest_term = 0;
    if (overlap.numerator_scale.used()) {
      clear(overlap.whole_numerator);
    } else {
      clear(overlap.numerator);
    }
  }

  void update_exit_waves(const Problem<T>& problem, State<T>& state, Share views, T beta,
                         std::optional<double> modulus_bound, Gather gather, Overlap<T>& overlap,
                         ExactRatio& change) override {
    std::vector<ChangeSums> changes(static_cast<std::size_t>(views.size()));
    const FixedPoint scale = overlap.numerator_scale;
    for_blocks(problem, state, views, gather, scale, [&](ViewWaves<T>& waves, ViewBlock<T>& block) {
      for (Index v = block.views.first; v < block.views.last; ++v) {
        const Yx<Index> window = problem.window(v);
        const auto psi = state.exit_waves.view()[v];
        const double reflected = waves.reflect(window, psi);
        const auto now = waves.change_modulus(problem.magnitudes(v));
        const double e = now.measured_pixels > 0 ? now.fit.misfit / now.measured_pixels : 0;
        const T pull = static_cast<T>(op::pull(e, modulus_bound.value_or(0)));
        auto& sums = changes[static_cast<std::size_t>(v - views.first)];
        if (gather == Gather::object && scale.used()) {
          sums = waves.update(window, psi, beta, pull, [&](Index l, Index column) {
            return block.template object_sum<std::int64_t>(l, window, column);
          });
        } else {
          sums = waves.update(window, psi, beta, pull,
                              [&](Index l, Index column) { return block.template object_sum<T>(l, window, column); });
        }
        sums.change += reflected + static_cast<double>(pull) * now.step;
        sums.change *= static_cast<double>(beta) * static_cast<double>(beta);
      }
      if (gather == Gather::probe) add_terms(problem, state, gather, block);
    });
    blocks_.merge(gather, overlap);
    for (const auto& sums : changes) change.add(sums);
  }

  void gather(const Problem<T>& problem, const State<T>& state, Share views, Gather what,
              Overlap<T>& overlap) override {
    for_blocks(problem, state, views, what, overlap.numerator_scale,
               [&](ViewWaves<T>&, ViewBlock<T>& block) { add_terms(problem, state, what, block); });
    blocks_.merge(what, overlap);
  }

  void settle(Overlap<T>& overlap) override {
    if (overlap.numerator_scale.used()) {
      if (!(overlap.largest_term <= overlap.numerator_scale.limit)) throw Error(ErrorCode::data, term_too_large);
      const double unit = 1 / overlap.numerator_scale.scale;
      threads_.run_in_bands(overlap.numerator.size(), [&](Share numbers) {
        for (Index i = numbers.first; i < numbers.last; ++i) {
          const auto sum = overlap.whole_numerator.data()[i];
          overlap.numerator.data()[i] = {static_cast<T>(static_cast<double>(sum.re) * unit),
                                         static_cast<T>(static_cast<double>(sum.im) * unit)};
        }
      });
    }
    if (overlap.denominator_scale.used()) {
      const double unit = 1 / overlap.denominator_scale.scale;
      std::transform(overlap.whole_denominator.begin(), overlap.whole_denominator.end(), overlap.denominator.begin(),
                     [&](std::int64_t sum) { return static_cast<T>(static_cast<double>(sum) * unit); });
    }
  }

  // Both denominators: a thread owns rows of the result and goes through all views, so that the order of the sum does
  // not depend on the number of threads.
  void cover_object(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) override {
    Array<T, 2>& light = zeros(light_, {frame_.y, frame_.x});  // Σ_k |P_k|²
    for (Index k = 0; k < state.probe_modes(); ++k) rows::add_norm(light.data(), &state.probe(k, 0, 0), light.size());
    auto& cover = overlap.denominator;
    threads_.run_in_bands(cover.extent(0), [&](Share band) {
      std::fill(&cover(band.first, 0), &cover(band.first, 0) + band.size() * cover.extent(1), T(0));
      for (const auto& w : problem.windows_here()) {
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
    const auto add_up = [&](auto& cover, const auto& add) {
      threads_.run_in_bands(cover.extent(0), [&](Share band) {
        std::fill(&cover(band.first, 0), &cover(band.first, 0) + band.size() * cover.extent(1), 0);
        for (Index v = 0; v < problem.local_count(); ++v) {
          const Yx<Index> w = problem.window(v);
          for (Index y = band.first; y < band.last; ++y) add(&cover(y, 0), &transmission(w.y + y, w.x));
        }
      });
    };
    if (overlap.denominator_scale.used()) {
      const double scale = overlap.denominator_scale.scale;
      add_up(overlap.whole_denominator,
             [&](std::int64_t* sum, const T* row) { rows::add_whole(sum, row, scale, frame_.x); });
    } else {
      add_up(overlap.denominator, [&](T* sum, const T* row) { rows::add(sum, row, frame_.x); });
    }
  }

  T largest(const Array<T, 2>& numbers) override { return rows::largest(numbers.data(), numbers.size()); }

  double largest_power(const Array<Complex<T>, 3>& modes) override {
    const Index pixels = modes.extent(1) * modes.extent(2);
    std::vector<T> most(static_cast<std::size_t>(threads_.size()));
    threads_.run([&](int thread) {
      constexpr Index step = 1024;
      T power[step];
      const Share mine = device::share_of(pixels, thread, threads_.size());
      for (Index first = mine.first; first < mine.last; first += step) {
        const Index count = std::min(step, mine.last - first);
        std::fill_n(power, count, T(0));
        for (Index m = 0; m < modes.extent(0); ++m) rows::add_norm(power, modes.data() + m * pixels + first, count);
        auto& own = most[static_cast<std::size_t>(thread)];
        own = std::max(own, rows::largest(power, count));
      }
    });
    return static_cast<double>(*std::ranges::max_element(most));
  }

  void divide(const Overlap<T>& overlap, T floor, T lit, Share counted, View<Complex<T>, 3> target,
              std::vector<ExactRatio>& changes) override {
    const Index modes = target.extent(0), height = target.extent(1), width = target.extent(2);
    std::vector<ChangeSums> by_row(static_cast<std::size_t>(modes * height));
    threads_.run_in_bands(height, [&](Share band) {
      for (Index m = 0; m < modes; ++m) {
        for (Index y = band.first; y < band.last; ++y) {
          by_row[static_cast<std::size_t>(m * height + y)] = rows::divide(
              &target(m, y, 0), &overlap.numerator(m, y, 0), &overlap.denominator(y, 0), floor, lit, width);
        }
      }
    });
    for (Index m = 0; m < modes; ++m) {
      for (Index y = counted.first; y < counted.last; ++y)
        changes[static_cast<std::size_t>(m)].add(by_row[static_cast<std::size_t>(m * height + y)]);
    }
  }

  void rotate_probe(View<const Complex<double>, 2> rotation, State<T>& state) override {
    const Index pixels = frame_.y * frame_.x;
    for (Index i = 0; i < pixels; ++i) {
      rotate(
          rotation, [&](Index m) { return state.probe.data()[m * pixels + i]; },
          [&](Index k, Complex<T> value) { state.probe.data()[k * pixels + i] = value; });
    }
  }

  void rotate_exit_waves(View<const Complex<double>, 2> rotation, State<T>& state, Share which) override {
    const Index objects = state.object_modes();
    threads_.run_in_bands(which.size(), [&](Share views) {
      for (Index v = which.first + views.first; v < which.first + views.last; ++v) {
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

  void compare(const Problem<T>& problem, const State<T>& state, Share views, Index stride, ExactRatio& fit) override {
    std::vector<FitSums> fits(static_cast<std::size_t>(views.size()));
    for_blocks(problem, state, views, Gather::nothing, {}, [&](ViewWaves<T>& waves, ViewBlock<T>& block) {
      for (Index v = block.views.first; v < block.views.last; ++v) {
        if (problem.scan_index(v) % stride != 0) continue;
        waves.multiply(problem.window(v));
        fits[static_cast<std::size_t>(v - views.first)] = waves.compare(problem.magnitudes(v)).fit;
      }
    });
    for (const auto& sums : fits) fit.add(sums);
  }

 private:
  /// Calls body(waves of the thread, block) for some of this rank's views, with the block's sums started at zero.
  template <class Body>
  void for_blocks(const Problem<T>& problem, const State<T>& state, Share views, Gather gather, FixedPoint scale,
                  const Body& body) {
    blocks_.share_out(views);
    threads_.run_in_turn(blocks_.count(), [&](int thread, Index item) {
      auto& waves = waves_[static_cast<std::size_t>(thread)];
      waves.prepare(state.probe_modes(), state.object_modes());
      body(waves, blocks_.start(item, problem, state, gather, scale));
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

  void add_terms(const Problem<T>& problem, const State<T>& state, Gather what, ViewBlock<T>& block) const {
    if (block.scale.used()) {
      add_terms<std::int64_t>(problem, state, what, block, plan_.loops.add_whole_overlap_term);
    } else {
      add_terms<T>(problem, state, what, block, plan_.loops.add_overlap_term);
    }
  }

  template <class Number, class Add>
  void add_terms(const Problem<T>& problem, const State<T>& state, Gather what, ViewBlock<T>& block,
                 const Add& add) const {
    for_strips(state, block, [&](Index v, Index k, Index l, Index s) {
      const Yx<Index> window = problem.window(v);
      const T* const psi = &state.exit_waves(v, k * state.object_modes() + l, s * plan_.strip_size());
      if (what == Gather::object) {
        add(block.template object_sum<Number>(l, window, s * plan_.lanes), strips::planar(fields_.probe(k, s)), psi,
            frame_.y);
      } else {
        add(block.template probe_sum<Number>(k, s), fields_.object(l, window, s), psi, frame_.y);
      }
    });
  }

  template <class Number>
  void clear(Array<Number, 3>& sums) {
    threads_.run_in_bands(sums.size(),
                          [&](Share band) { std::fill(sums.data() + band.first, sums.data() + band.last, Number{}); });
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
