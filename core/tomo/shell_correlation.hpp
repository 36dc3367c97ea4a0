// Fourier shell correlation: down to which detail two volumes agree.
#pragma once

#include <array>
#include <vector>

#include "core/base/correlation_curve.hpp"
#include "core/base/view.hpp"
#include "core/device/thread_pool.hpp"

namespace ptychoflow::tomo {

struct ShellCorrelation {
  CorrelationCurve curve;
  std::vector<double> voxels;  ///< number of Fourier coefficients in each shell, of the whole spectrum
};

/// Correlation of two volumes that lie on each other, over shells of spatial frequency up to the Nyquist frequency of
/// the coarsest axis: Re Σ A·B* / √(Σ|A|²·Σ|B|²) (Harauz & van Heel, Optik 73, 146 (1986)). Under a `SoftWindow`, means
/// taken away. Shells are as wide as one Fourier coefficient of the shorter side of a slice, however few slices there
/// are, but for shell 1, which has what two would have: few coefficients, over which the window smears the lack of the
/// mean. Of the coefficients, `curve.independent` counts the share that the window leaves independent; both of a pair
/// at q and −q, which are conjugate, as the thresholds have it: then √n is the inverse of noise's standard deviation.
/// @param a, b [z][y][x], of the same extents
/// @param voxel_size_m z, y, x
/// @param mask_radius of the window, as a part of half a slice's width
/// @throws Error (data) if slices are smaller than 16 × 16 or one volume has no contrast at all
ShellCorrelation shell_correlation(View<const float, 3> a, View<const float, 3> b, std::array<double, 3> voxel_size_m,
                                   double mask_radius, device::ThreadPool& threads);

/// From thresholds of the correlation F of two halves to those of the correlation C of the whole with the truth, where
/// there is as much information: C = √(2F/(1+F)) (Rosenthal & Henderson, J. Mol. Biol. 333, 721 (2003)), half a bit at
/// 0.54.
std::vector<double> thresholds_against_truth(std::vector<double> thresholds);

}  // namespace ptychoflow::tomo
