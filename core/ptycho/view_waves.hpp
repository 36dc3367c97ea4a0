// The waves of one view on their way to the detector and back, on the CPU. A frame is cut into strips of columns, as
// wide as a vector register, whose transforms along y stay in the nearest cache:
//
//     strip of columns:  2PO − ψ, transform along y
//     strip of rows:     transform along x, (4) over all modes, transform back
//     strip of columns:  transform back along y, ψ ← ψ + …, numerators
//
// Between columns and rows, tiles are turned in registers. Each step reads and writes the waves once.
#pragma once

#include "core/device/thread_pool.hpp"
#include "core/ptycho/state.hpp"
#include "core/ptycho/strip_plan.hpp"

namespace ptychoflow::ptycho {

/// Probe and object as strips need them: real and imaginary parts apart, with room for lanes beyond the edge.
template <class T>
class PlanarFields {
 public:
  /// Takes over the present probe.
  void take_probe(const StripPlan<T>& plan, const State<T>& state);

  /// Takes over the present object.
  void take_object(const StripPlan<T>& plan, const State<T>& state, device::ThreadPool& threads);

  const T* probe(Index k, Index s) const { return &probe_(k, s, 0); }

  /// What strip `s` of a view sees of object mode l.
  strips::Planar<const T> object(Index l, Yx<Index> window, Index s) const {
    return strips::planar(object_.view(), l, {window.y, window.x + s * StripPlan<T>::lanes});
  }

 private:
  device::Array<T, 3> probe_;   ///< [k][strip][row, re/im, lane]
  device::Array<T, 4> object_;  ///< [l][y][re, im][x]
};

/// One thread's waves. ψ of a view lies in strips, too: [mode pair][strip; row, re/im, lane].
template <class T>
class ViewWaves {
 public:
  /// @param plan, fields  outlive it
  ViewWaves(const StripPlan<T>& plan, const PlanarFields<T>& fields) : plan_(plan), fields_(fields) {}

  /// Makes room. Called by the thread that will use it.
  void prepare(Index probe_modes, Index object_modes);

  /// waves ← 2PO − ψ, transformed along y. Returns Σ op::step_when_reflected.
  double reflect(Yx<Index> window, View<const T, 2> psi);

  /// waves ← PO, transformed along y.
  void multiply(Yx<Index> window);

  /// How the waves' magnitudes differ from `measured`, [y][x] with the zero frequency in the corner.
  strips::Deviation compare(View<const T, 2> measured);

  /// The same, and waves ← what (4) adds to them; back from the detector but for the transform along y.
  strips::Deviation change_modulus(View<const T, 2> measured);

  /// (3), pulled with `pull`. Adds P*ψ to the sum that `object_sum(l, first column)` names, a strips::Sum of numbers as
  /// they are or of whole ones. Returns Σ op::step_when_updated and Σ|ψ|².
  template <class ObjectSum>
  ChangeSums update(Yx<Index> window, View<T, 2> psi, T beta, T pull, const ObjectSum& object_sum) {
    ChangeSums total;
    for_strips([&](Index k, Index l, Index kl, Index s) {
      T* const wave = &waves_(kl, s, 0);
      plan_.along_y.inverse(wave);
      const auto sum = object_sum(l, s * plan_.lanes);
      const auto update_strip = [&] {
        if constexpr (std::is_same_v<decltype(sum), const strips::WholeSum>) {
          return plan_.loops.update_whole;
        } else {
          return plan_.loops.update;
        }
      }();
      total += update_strip(&psi(kl, s * plan_.strip_size()), wave, fields_.probe(k, s), fields_.object(l, window, s),
                            beta, pull, sum, plan_.frame.y);
    });
    return total;
  }

 private:
  Index mode_pairs() const { return probe_modes_ * object_modes_; }
  template <class Body>
  void for_strips(const Body& body) const {
    for (Index k = 0, kl = 0; k < probe_modes_; ++k) {
      for (Index l = 0; l < object_modes_; ++l, ++kl) {
        for (Index s = 0; s < plan_.strips(); ++s) body(k, l, kl, s);
      }
    }
  }
  strips::Deviation to_detector(Index tile, View<const T, 2> measured);
  void load_magnitudes(Index tile, View<const T, 2> measured);
  void turn_tile(const T* from, T* to) const;
  void turn_tiles(Index tile, Index mode_pair);
  void turn_tiles_back(Index tile, Index mode_pair);

  const StripPlan<T>& plan_;
  const PlanarFields<T>& fields_;
  Index probe_modes_ = 0, object_modes_ = 0;
  device::Array<T, 3> waves_;     ///< [mode pair][strip of columns][row, re/im, lane]
  device::Array<T, 2> spectrum_;  ///< of a strip of rows: [mode pair][column, re/im, lane]
  device::Array<T, 1> measured_;  ///< of a strip of rows: [column][lane], −1 beyond the edge
  device::Array<T, 1> model_;     ///< likewise, columns in the transform's order
};

}  // namespace ptychoflow::ptycho
