// What an iteration asks of the hardware: sweeps over views, and the quotients that follow. One declaration, one
// implementation a backend.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/exact_sum.hpp"
#include "core/comm/communicator.hpp"
#include "core/device/thread_pool.hpp"
#include "core/ptycho/fixed_point.hpp"
#include "core/ptycho/problem.hpp"
#include "core/ptycho/settings.hpp"
#include "core/ptycho/state.hpp"

namespace ptychoflow::ptycho {

/// The two sums of eq. (7): ε = √(change/norm).
struct ChangeSums {
  double change = 0;  ///< Σ|new − old|²
  double norm = 0;    ///< Σ|new|²

  PTYCHOFLOW_HOST_DEVICE ChangeSums& operator+=(const ChangeSums& b) {
    change += b.change;
    norm += b.norm;
    return *this;
  }
};

/// How well a model fits, over measured pixels: R = √(misfit/measured).
struct FitSums {
  double misfit = 0;    ///< Σ(√model − √I)²
  double measured = 0;  ///< ΣI

  PTYCHOFLOW_HOST_DEVICE FitSums& operator+=(const FitSums& b) {
    misfit += b.misfit;
    measured += b.measured;
    return *this;
  }
};

/// ε or R from the sums of views or rows, however they are shared out: √(part/whole).
struct ExactRatio {
  ExactSum part, whole;

  void add(const ChangeSums& sums) { part += sums.change, whole += sums.norm; }
  void add(const FitSums& sums) { part += sums.misfit, whole += sums.measured; }
  double root() const {
    const double p = part.value(), w = whole.value();
    return w > 0 ? std::sqrt(std::max(p / w, 0.0)) : 0;  // rounding may leave less than nothing of a small change
  }
};

/// Which overlap numerator is added up.
enum class Gather { nothing, object, probe };

/// Overlap sums of (5) and (6). A rank adds up its views, then ranks add up theirs.
template <class T>
struct Overlap {
  device::Array<Complex<T>, 3> numerator;  ///< [mode][y][x]
  device::Array<T, 2> denominator;         ///< [y][x], the same for every mode

  /// Where sums are whole numbers (see fixed_point.hpp): these take the place of the two above until `settle`.
  device::Array<Complex<std::int64_t>, 3> whole_numerator{};
  device::Array<std::int64_t, 2> whole_denominator{};  ///< of the probe alone: the object's needs no sum over ranks
  FixedPoint numerator_scale{}, denominator_scale{};
  double largest_term = 0;  ///< of the numerator, in units of its scale: `settle` compares it with the limit
};

/// The hardware's side of an iteration. Magnitudes, state and overlap sums lie in `memory()`. Sums run over this rank's
/// views; the caller adds up over ranks.
template <class T>
class Kernels {
 public:
  virtual ~Kernels() = default;

  /// Where these kernels want their arrays; null: in the processor's memory.
  virtual device::Memory* memory() { return nullptr; }

  /// Where they want the exit waves, once they are prepared: elsewhere if the device is too small for all of them.
  virtual device::Memory* exit_wave_memory() { return memory(); }

  /// From here on exit waves are in State::exit_waves and nowhere else, and may be changed there.
  virtual void bring_exit_waves_home(State<T>&) {}

  /// Numbers of one exit wave as it lies in State::exit_waves.
  virtual Index exit_wave_size() const = 0;

  /// Exit waves of some local views as everyone reads them: [view][mode pair][y][x].
  virtual device::Array<Complex<T>, 4> unpacked_exit_waves(const State<T>& state, device::Share views) const = 0;

  /// Takes over exit waves that anyone wrote, of local views from `first` on.
  virtual void pack_exit_waves(View<const Complex<T>, 4> waves, Index first, State<T>& state) = 0;

  /// Makes ready for a problem and a state of this shape. Called before exit waves are allocated.
  /// @throws Error (resource) if they will not fit
  virtual void prepare(const Problem<T>&, const State<T>&) {}

  /// The probe, or the object, is new: what follows uses it.
  virtual void take_probe(const State<T>&) {}
  virtual void take_object(const State<T>&) {}

  /// (2): ψ ← PO.
  virtual void start_exit_waves(const Problem<T>& problem, State<T>& state, device::Share views) = 0;

  /// Numerator ← 0.
  virtual void clear(Overlap<T>& overlap) = 0;

  /// (3) with (4) for some local views: ψ ← ψ + β(F⁻¹F_c[2PO − ψ] − PO). Adds their terms to the numerator that
  /// `gather` names, in `overlap`, and the sums of (7) for ψ to `change`.
  virtual void update_exit_waves(const Problem<T>& problem, State<T>& state, device::Share views, T beta,
                                 std::optional<double> modulus_bound, Gather gather, Overlap<T>& overlap,
                                 ExactRatio& change) = 0;

  /// Adds the terms of some local views to a numerator, in a sweep of its own: Σ_k Σ_j P*ψ of (6), Σ_l Σ_j O*ψ of (5).
  virtual void gather(const Problem<T>& problem, const State<T>& state, device::Share views, Gather what,
                      Overlap<T>& overlap) = 0;

  /// Replaces the numerator by its sum over ranks. Collective.
  virtual void sum_numerator(Overlap<T>& overlap, const comm::Communicator& ranks) {
    if (overlap.numerator_scale.used()) {
      ranks.sum(overlap.whole_numerator.view());
    } else {
      ranks.sum(overlap.numerator.view());
    }
  }

  /// Replaces the denominator by its sum over ranks. Collective.
  virtual void sum_denominator(Overlap<T>& overlap, const comm::Communicator& ranks) {
    if (overlap.denominator_scale.used()) {
      ranks.sum(overlap.whole_denominator.view());
    } else {
      ranks.sum(overlap.denominator.view());
    }
  }

  /// Brings sums in whole numbers back to floating point.
  /// @throws Error (data) if a term was larger than its limit
  virtual void settle(Overlap<T>& overlap) = 0;

  /// Denominator of (6), Σ_k Σ_j |P|², over the views of all ranks: needs no ψ and no communication.
  virtual void cover_object(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) = 0;

  /// Denominator of (5), Σ_l Σ_j |O|², over the views of this rank.
  virtual void cover_probe(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) = 0;

  /// The largest of numbers that are not negative.
  virtual T largest(const device::Array<T, 2>& numbers) = 0;

  /// The largest Σ|·|² over modes of any pixel.
  virtual double largest_power(const device::Array<Complex<T>, 3>& modes) = 0;

  /// The quotient of (5) or (6), in place. Adds the sums of (7), over pixels of `counted` rows whose denominator is at
  /// least `lit`, to each mode's `changes`.
  virtual void divide(const Overlap<T>& overlap, T floor, T lit, device::Share counted, View<Complex<T>, 3> target,
                      std::vector<ExactRatio>& changes) = 0;

  /// P_k ← Σ_m rotation[k][m] P_m. `rotation`: unitary, [probe mode][probe mode].
  virtual void rotate_probe(View<const Complex<double>, 2> rotation, State<T>& state) = 0;

  /// The same with the exit waves of some local views.
  virtual void rotate_exit_waves(View<const Complex<double>, 2> rotation, State<T>& state, device::Share views) = 0;

  /// Brings amplitude and phase of every pixel within the bounds.
  virtual void bound_object(const ObjectBounds& bounds, View<Complex<T>, 3> object) = 0;

  /// Sets the probe to zero further than `radius_px` from its centre, pixel n/2.
  virtual void support_probe(double radius_px, View<Complex<T>, 3> probe) = 0;

  /// Adds to `fit` how well |F[PO]| fits the data of those of some local views that are every `stride`-th of the scan.
  virtual void compare(const Problem<T>& problem, const State<T>& state, device::Share views, Index stride,
                       ExactRatio& fit) = 0;
};

/// Kernels on the CPU: threads take views one at a time, so that a view's waves stay in its core's cache. The same
/// number of threads gives the same bits on one kind of processor.
template <class T>
std::unique_ptr<Kernels<T>> make_cpu_kernels(device::ThreadPool& threads, Yx<Index> frame);

}  // namespace ptychoflow::ptycho
