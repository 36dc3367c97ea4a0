// Eigenvalues and eigenvectors of a small Hermitian matrix, such as the overlap matrix of a few modes.
#pragma once

#include <vector>

#include "core/base/complex.hpp"
#include "core/base/view.hpp"
#include "core/device/array.hpp"

namespace ptychoflow {

/// A = V·diag(values)·Vᴴ.
struct HermitianEigen {
  std::vector<double> values;                 ///< [n], falling
  device::Array<Complex<double>, 2> vectors;  ///< [row][column]: column i, of unit length, belongs to values[i]
};

/// Diagonalises a Hermitian n×n matrix by cyclic Jacobi rotations: exact to rounding and simple, meant for n up to some
/// tens. Where `matrix` is not quite Hermitian, its Hermitian part counts. The result depends on nothing but the input.
/// @throws Error (other) if the matrix is not square or has an element that is not finite
HermitianEigen eigen_hermitian(View<const Complex<double>, 2> matrix);

/// Overlap matrix of modes, summed in double: G[k][l] = Σ_x mode_k(x)·conj(mode_l(x)).
/// @param modes [mode][y][x]
/// @return [mode][mode], Hermitian; its trace is the total power
template <class T>
device::Array<Complex<double>, 2> overlap_matrix(View<const Complex<T>, 3> modes);

extern template device::Array<Complex<double>, 2> overlap_matrix(View<const Complex<float>, 3>);
extern template device::Array<Complex<double>, 2> overlap_matrix(View<const Complex<double>, 3>);

}  // namespace ptychoflow
