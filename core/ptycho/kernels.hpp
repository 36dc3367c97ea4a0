// What an iteration asks of the hardware: sweeps over views, and the quotients that follow. One declaration, one
// implementation a backend.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/comm/communicator.hpp"
#include "core/device/thread_pool.hpp"
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

/// Which overlap numerator the exit-wave sweep adds up on its way, while ψ is at hand.
enum class Gather { nothing, object, probe };

/// Overlap sums of (5) and (6).
template <class T>
struct Overlap {
  device::Array<Complex<T>, 3> numerator;  ///< [mode][y][x]
  device::Array<T, 2> denominator;         ///< [y][x], the same for every mode
};

/// The hardware's side of an iteration. Magnitudes, state and overlap sums lie in `memory()`. Sums run over this rank's
/// views; the caller adds up over ranks.
template <class T>
class Kernels {
 public:
  virtual ~Kernels() = default;

  /// Where these kernels want their arrays; null: in the processor's memory.
  virtual device::Memory* memory() { return nullptr; }

  /// Numbers of one exit wave as it lies in State::exit_waves.
  virtual Index exit_wave_size() const = 0;

  /// Exit waves as everyone reads them: [local view][mode pair][y][x].
  virtual device::Array<Complex<T>, 4> unpacked_exit_waves(const State<T>& state) const = 0;

  /// Takes over exit waves that anyone wrote.
  virtual void pack_exit_waves(View<const Complex<T>, 4> waves, State<T>& state) const = 0;

  /// Makes ready for a problem and a state of this shape. Called before exit waves are allocated.
  /// @throws Error (resource) if they will not fit
  virtual void prepare(const Problem<T>&, const State<T>&) {}

  /// Replaces a numerator by its sum over ranks. Collective.
  virtual void sum(device::Array<Complex<T>, 3>& numerator, const comm::Communicator& ranks) {
    ranks.sum(numerator.view());
  }

  /// (2): ψ ← PO.
  virtual void start_exit_waves(const Problem<T>& problem, State<T>& state) = 0;

  /// (3) with (4): ψ ← ψ + β(F⁻¹F_c[2PO − ψ] − PO), and sets the numerator that `gather` names in `overlap`. Returns
  /// the sums of (7) for ψ.
  virtual ChangeSums update_exit_waves(const Problem<T>& problem, State<T>& state, T beta,
                                       std::optional<double> modulus_bound, Gather gather, Overlap<T>& overlap) = 0;

  /// Numerator of (6), Σ_k Σ_j P*ψ, in a sweep of its own.
  virtual void gather_object(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) = 0;

  /// Numerator of (5), Σ_l Σ_j O*ψ, in a sweep of its own.
  virtual void gather_probe(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) = 0;

  /// Denominator of (6), Σ_k Σ_j |P|², over the views of all ranks: needs no ψ and no communication.
  virtual void cover_object(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) = 0;

  /// Denominator of (5), Σ_l Σ_j |O|², likewise.
  virtual void cover_probe(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) = 0;

  /// The quotient of (5) or (6), in place. Returns the sums of (7) for each mode over pixels whose denominator is at
  /// least `lit` times the largest. `floor` is relative to the largest denominator too.
  virtual std::vector<ChangeSums> divide(const Overlap<T>& overlap, double floor, double lit,
                                         View<Complex<T>, 3> target) = 0;

  /// P_k ← Σ_m rotation[k][m] P_m, and ψ alike. `rotation`: unitary, [probe mode][probe mode].
  virtual void rotate_probe_modes(View<const Complex<double>, 2> rotation, State<T>& state) = 0;

  /// Brings amplitude and phase of every pixel within the bounds.
  virtual void bound_object(const ObjectBounds& bounds, View<Complex<T>, 3> object) = 0;

  /// Sets the probe to zero further than `radius_px` from its centre, pixel n/2.
  virtual void support_probe(double radius_px, View<Complex<T>, 3> probe) = 0;

  /// How well |F[PO]| fits the data of every `stride`-th view of the scan.
  virtual FitSums fit(const Problem<T>& problem, const State<T>& state, Index stride) = 0;
};

/// Kernels on the CPU: threads take views one at a time, so that a view's waves stay in its core's cache. The same
/// number of threads gives the same bits on one kind of processor.
template <class T>
std::unique_ptr<Kernels<T>> make_cpu_kernels(device::ThreadPool& threads, Yx<Index> frame);

}  // namespace ptychoflow::ptycho
