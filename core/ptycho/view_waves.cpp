#include "core/ptycho/view_waves.hpp"

#include <algorithm>
#include <cmath>

namespace ptychoflow::ptycho {

using device::Array;
using strips::Deviation;

template <class T>
void PlanarFields<T>::take_probe(const StripPlan<T>& plan, const State<T>& state) {
  const Extents<3> extents{state.probe_modes(), plan.strips(), plan.strip_size()};
  if (probe_.extents() != extents) probe_ = Array<T, 3>(extents);
  for (Index k = 0; k < extents[0]; ++k) pack(plan, state.probe[k], &probe_(k, 0, 0));
}

template <class T>
void PlanarFields<T>::take_object(const StripPlan<T>& plan, const State<T>& state, device::ThreadPool& threads) {
  const auto [modes, height, width] = state.object.extents();
  const Index padded = width + plan.lanes;
  const Extents<4> extents{modes, height, 2, padded};
  if (object_.extents() != extents) object_ = Array<T, 4>(extents);
  threads.run_in_bands(modes * height, [&, width = width](device::Share band) {
    for (Index i = band.first; i < band.last; ++i) {
      const Complex<T>* const from = state.object.data() + i * width;
      T *const re = object_.data() + 2 * i * padded, *const im = re + padded;
      for (Index x = 0; x < width; ++x) {
        re[x] = from[x].re;
        im[x] = from[x].im;
      }
    }
  });
}

template <class T>
void ViewWaves<T>::prepare(Index probe_modes, Index object_modes) {
  if (probe_modes == probe_modes_ && object_modes == object_modes_) return;
  probe_modes_ = probe_modes;
  object_modes_ = object_modes;
  const Index columns = plan_.strips() * plan_.lanes;
  waves_ = Array<T, 3>({mode_pairs(), plan_.strips(), plan_.wave_size()});
  spectrum_ = Array<T, 2>({mode_pairs(), columns * plan_.row});
  measured_ = Array<T, 1>({columns * plan_.lanes});
  model_ = Array<T, 1>({columns * plan_.lanes});
}

template <class T>
double ViewWaves<T>::reflect(Yx<Index> window, View<const T, 2> psi) {
  double step = 0;
  for_strips([&](Index k, Index l, Index kl, Index s) {
    T* const wave = &waves_(kl, s, 0);
    step += plan_.loops.reflect(wave, fields_.probe(k, s), fields_.object(l, window, s),
                                &psi(kl, s * plan_.strip_size()), plan_.frame.y);
    plan_.along_y.forward(wave);
  });
  return step;
}

template <class T>
void ViewWaves<T>::multiply(Yx<Index> window) {
  for_strips([&](Index k, Index l, Index kl, Index s) {
    T* const wave = &waves_(kl, s, 0);
    plan_.loops.multiply(wave, fields_.probe(k, s), fields_.object(l, window, s), plan_.frame.y);
    plan_.along_y.forward(wave);
  });
}

template <class T>
Deviation ViewWaves<T>::compare(View<const T, 2> measured) {
  Deviation total;
  for (Index tile = 0; tile < plan_.tiles(); ++tile) total += to_detector(tile, measured);
  return total;
}

template <class T>
Deviation ViewWaves<T>::change_modulus(View<const T, 2> measured) {
  // A transform there and back multiplies by the pixels.
  const T unscale = T(1) / static_cast<T>(plan_.frame.y * plan_.frame.x);
  Deviation total;
  for (Index tile = 0; tile < plan_.tiles(); ++tile) {
    total += to_detector(tile, measured);
    plan_.loops.modulus_change(model_.data(), measured_.data(), plan_.along_x.frequency().data(), unscale,
                               plan_.frame.x);
    for (Index kl = 0; kl < mode_pairs(); ++kl) {
      T* const spectrum = &spectrum_(kl, 0);
      plan_.loops.scale(spectrum, model_.data(), plan_.frame.x);
      plan_.along_x.inverse(spectrum);
      turn_tiles_back(tile, kl);
    }
  }
  return total;
}

/// Transforms a strip of rows along x and compares √Σ|F wave|², normalised so that a transform keeps the sum of
/// squares.
template <class T>
Deviation ViewWaves<T>::to_detector(Index tile, View<const T, 2> measured) {
  const T unitary = T(1) / std::sqrt(static_cast<T>(plan_.frame.y * plan_.frame.x));
  load_magnitudes(tile, measured);
  std::fill(model_.begin(), model_.end(), T(0));
  for (Index kl = 0; kl < mode_pairs(); ++kl) {
    turn_tiles(tile, kl);
    plan_.along_x.forward(&spectrum_(kl, 0));
    plan_.loops.add_norm(model_.data(), &spectrum_(kl, 0), plan_.frame.x);
  }
  return plan_.loops.compare(model_.data(), measured_.data(), plan_.along_x.frequency().data(), unitary, plan_.frame.x);
}

/// The rows of `measured` that belong to this strip of rows, which is in the order of the transform along y.
template <class T>
void ViewWaves<T>::load_magnitudes(Index tile, View<const T, 2> measured) {
  constexpr Index lanes = StripPlan<T>::lanes;
  T beyond[lanes * lanes];  // the edge of the frame
  for (Index s = 0; s < plan_.strips(); ++s) {
    const Index columns = plan_.columns(s);
    const T* rows[lanes];
    for (Index lane = 0; lane < lanes; ++lane) {
      const Index y = tile * lanes + lane;
      const T* const row =
          y < plan_.frame.y ? &measured(plan_.along_y.frequency()[static_cast<std::size_t>(y)], s * lanes) : nullptr;
      rows[lane] = row;
      if (row && columns == lanes) continue;
      T* const edge = beyond + lane * lanes;
      std::fill_n(edge, lanes, T(-1));
      if (row) std::copy_n(row, columns, edge);
      rows[lane] = edge;
    }
    plan_.along_x.transpose(rows, &measured_(s * lanes * lanes), lanes);
  }
}

template <class T>
void ViewWaves<T>::turn_tile(const T* from, T* to) const {
  const T* rows[StripPlan<T>::lanes];
  for (const Index part : {Index{0}, plan_.lanes}) {  // real and imaginary parts
    for (Index y = 0; y < plan_.lanes; ++y) rows[y] = from + y * plan_.row + part;
    plan_.along_x.transpose(rows, to + part, plan_.row);
  }
}

template <class T>
void ViewWaves<T>::turn_tiles(Index tile, Index mode_pair) {
  for (Index s = 0; s < plan_.strips(); ++s) {
    turn_tile(&waves_(mode_pair, s, tile * plan_.lanes * plan_.row),
              &spectrum_(mode_pair, s * plan_.lanes * plan_.row));
  }
}

template <class T>
void ViewWaves<T>::turn_tiles_back(Index tile, Index mode_pair) {
  for (Index s = 0; s < plan_.strips(); ++s) {
    turn_tile(&spectrum_(mode_pair, s * plan_.lanes * plan_.row),
              &waves_(mode_pair, s, tile * plan_.lanes * plan_.row));
  }
}

template class PlanarFields<float>;
template class PlanarFields<double>;
template class ViewWaves<float>;
template class ViewWaves<double>;

}  // namespace ptychoflow::ptycho
