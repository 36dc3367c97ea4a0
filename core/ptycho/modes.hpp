// Probe modes: making further ones from the first, turning them orthogonal, and what share of the light each holds.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/complex.hpp"
#include "core/device/array.hpp"

namespace ptychoflow::ptycho {

/// How modes after the first start. None may equal the first, and each must carry real power, or the Difference Map
/// never finds it.
enum class ModeStart {
  hermite,  ///< the first times x/σ, y/σ, xy/σ², …, made orthogonal; σ is the first's own rms radius
  blur,     ///< the first, blurred more and more (the paper's way)
  random,   ///< the first times a smooth random field
};

/// `count` modes from the first: [mode][y][x]. Further ones have the relative amplitude `diversity`.
/// @param main [y][x], centred at pixel n/2
/// @throws Error (usage) if count < 1
device::Array<Complex<double>, 3> make_modes(View<const Complex<double>, 2> main, Index count, ModeStart start,
                                             double diversity, std::uint64_t seed);

/// Unitary U, [mode][mode], such that Σ_m U[k][m]·P_m are orthogonal, by falling power.
template <class T>
device::Array<Complex<double>, 2> orthogonal_rotation(View<const Complex<T>, 3> modes);

/// The same from their overlap matrix.
device::Array<Complex<double>, 2> orthogonal_rotation(View<const Complex<double>, 2> overlap);

/// Applies a rotation: [mode][y][x].
template <class T>
device::Array<Complex<T>, 3> rotated(View<const Complex<double>, 2> rotation, View<const Complex<T>, 3> modes);

/// Share of each mode in the total intensity. Sums to 1.
template <class T>
std::vector<double> occupancy(View<const Complex<T>, 3> modes);

}  // namespace ptychoflow::ptycho
