// The multi-mode Difference Map of Dong et al. 2018, one iteration at a time.
#pragma once

#include <vector>

#include "core/comm/communicator.hpp"
#include "core/ptycho/kernels.hpp"
#include "core/ptycho/paging.hpp"
#include "core/ptycho/shared_rows.hpp"

namespace ptychoflow::ptycho {

/// What one iteration did. Every ε is that of eq. (7); all values are the same on all ranks.
struct IterationFigures {
  Index iteration = 0;                ///< from 1
  std::vector<double> object_change;  ///< ε per object mode, over the pixels that the probe lights
  std::vector<double> probe_change;   ///< ε per probe mode
  double exit_wave_change = 0;        ///< ε of ψ
  double fourier_error = 0;           ///< R of PO, from a sample of the views
  double seconds = 0;
};

/// Iterates (3)–(6) on a state, whose exit waves it starts by (2). It holds references: problem, state, kernels and
/// settings outlive it. Methods are collective over `ranks`.
template <class T>
class Engine {
 public:
  /// @throws Error (other) if state and problem do not fit together
  Engine(const Problem<T>& problem, State<T>& state, const Settings& settings, Kernels<T>& kernels,
         const comm::Communicator& ranks, const PagingPlan& paging = {});

  /// Goes on after `iteration` iterations, with exit waves that somebody has brought back to the state.
  void resume(Index iteration) { iteration_ = iteration; }

  IterationFigures iterate();

  /// By which all that works on exit waves goes through them.
  Pager<T>& pager() { return pager_; }

  /// R of the present PO, √(Σ(√model − √I)²/ΣI), over every `stride`-th view of the scan.
  double r_factor(Index stride = 1);

  /// Light that each object pixel gets from the present probe, Σ_k Σ_j |P|²: [y][x] of the rows that this rank holds,
  /// in the kernels' memory. Holds until the next call.
  const device::Array<T, 2>& light_on_object();

 private:
  enum class Numerator { gathered, to_gather };

  /// What this rank knows of an iteration's ε and R.
  struct Changes {
    std::vector<ExactRatio> object, probe;
    ExactRatio exit_wave{}, fit{};
  };

  template <class Body>
  void for_views(Gather gather, const Body& body);
  void start_numerator(Gather gather);
  void update_object(Numerator numerator, std::vector<ExactRatio>& changes);
  void update_probe(Numerator numerator, std::vector<ExactRatio>& changes);
  void divide(const Overlap<T>& overlap, T largest, double floor, double lit, device::Share counted,
              View<Complex<T>, 3> target, std::vector<ExactRatio>& changes);
  void orthogonalise_probe();
  IterationFigures figures_of(Changes changes) const;

  const Problem<T>& problem_;
  State<T>& state_;
  const Settings& settings_;
  Kernels<T>& kernels_;
  comm::Communicator ranks_;
  SharedRows<T> shared_rows_;
  Pager<T> pager_;
  double object_terms_ = 0;  ///< most views on a pixel of the object
  Overlap<T> object_overlap_;
  Overlap<T> probe_overlap_;
  Index iteration_ = 0;
};

}  // namespace ptychoflow::ptycho
