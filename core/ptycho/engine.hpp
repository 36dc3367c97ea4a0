// The multi-mode Difference Map of Dong et al. 2018, one iteration at a time.
#pragma once

#include <vector>

#include "core/comm/communicator.hpp"
#include "core/ptycho/kernels.hpp"

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

/// Iterates (3)–(6) on a state. It holds references: problem, state, kernels and settings outlive it. Methods are
/// collective over `ranks`.
template <class T>
class Engine {
 public:
  /// Starts the exit waves from probe and object, eq. (2).
  /// @throws Error (other) if state and problem do not fit together
  Engine(const Problem<T>& problem, State<T>& state, const Settings& settings, Kernels<T>& kernels,
         const comm::Communicator& ranks);

  IterationFigures iterate();

  /// R of the present PO, √(Σ(√model − √I)²/ΣI), over every `stride`-th view of the scan.
  double r_factor(Index stride = 1);

  /// Light that each object pixel gets from the present probe, Σ_k Σ_j |P|², relative to its maximum: [y][x].
  device::Array<float, 2> coverage();

 private:
  enum class Numerator { gathered, to_gather };

  std::vector<double> update_object(Numerator numerator);
  std::vector<double> update_probe(Numerator numerator);
  void orthogonalise_probe();

  const Problem<T>& problem_;
  State<T>& state_;
  const Settings& settings_;
  Kernels<T>& kernels_;
  comm::Communicator ranks_;
  Overlap<T> object_overlap_;
  Overlap<T> probe_overlap_;
  Index iteration_ = 0;
};

}  // namespace ptychoflow::ptycho
