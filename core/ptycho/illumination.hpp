// Where a probe can come from: optics, a formula, or the mean diffraction pattern; and its propagation along the beam.
//
// Conventions of this file: double precision, arrays are [y][x], the optical axis and the zero frequency are at pixel
// n/2. A wave runs as exp(+ikz) and the far field is the Fourier transform with kernel exp(−2πi qr), so that a positive
// distance is downstream, towards the detector, and the transfer function of free space is exp(−iπλz q²) to first
// order.
#pragma once

#include <cstdint>

#include "core/base/complex.hpp"
#include "core/base/view.hpp"
#include "core/device/array.hpp"
#include "core/ptycho/geometry.hpp"

namespace ptychoflow::ptycho {

/// A complex wave in one plane, [y][x].
using Field = device::Array<Complex<double>, 2>;

/// Shape and pixel of a sample plane.
struct Grid {
  Yx<Index> shape{};
  Yx<double> pixel_m{};

  Yx<double> width_m() const {
    return {static_cast<double>(shape.y) * pixel_m.y, static_cast<double>(shape.x) * pixel_m.x};
  }
};

/// A Fresnel zone plate, its central stop and where the sample stands.
struct ZonePlate {
  double diameter_m = 0;
  double outer_zone_width_m = 0;
  double central_stop_m = 0;  ///< diameter, 0: none
  double defocus_m = 0;       ///< sample minus focus, positive when the sample is downstream of the focus
};

/// Focal length of the first order, diameter · outer zone width / wavelength.
double focal_length_m(const ZonePlate& plate, double wavelength_m);

/// Disc of constant amplitude, pixels on its rim weighted by the part of them that is inside. Power Σ|P|² = 1.
/// @throws Error (usage) if the disc is empty or wider than the grid
Field circular_aperture(const Grid& grid, double diameter_m);

/// Gaussian of flat phase whose intensity has this full width at half maximum. Power 1.
/// @throws Error (usage) if the width is not positive
Field gaussian(const Grid& grid, double fwhm_m);

/// Field of a zone plate's first order in the sample plane: the annular pupil, transformed to the focus and propagated
/// by the defocus. The lens is a distance f before the focus, so direction q comes from radius λf·q of the pupil, and
/// the rim is at q = 1/(2·outer zone width). Power 1.
/// @throws Error (usage) if the lens makes no sense or its cone is wider than what the grid can hold
Field zone_plate(const Grid& grid, const ZonePlate& plate, double wavelength_m);

/// Probe whose far field has the magnitude √`mean_counts` and flat phase, propagated from there by `defocus_m`. Power
/// is that of the measured counts.
/// @param mean_counts  [y][x], mean over frames, zero frequency at n/2
/// @param mask         [y][x], 0 where measured, else not; such pixels take the mean of their measured neighbours; may
///                     be empty
/// @throws Error (data) if nothing is measured or a count is negative or not finite
Field from_data(View<const double, 2> mean_counts, View<const std::uint8_t, 2> mask, const Grid& grid,
                double wavelength_m, double defocus_m);

/// Complex noise under a Gaussian half the grid wide, the same for the same seed. Power 1.
Field random_illumination(const Grid& grid, std::uint64_t seed);

/// Free space over `distance_m` by the angular spectrum, in place; power is kept. The grid is periodic: light that
/// leaves it on one side comes in on the other.
/// @throws Error (usage) if the wavelength or a pixel is not positive
void propagate(Field& field, const Grid& grid, double wavelength_m, double distance_m);

/// Sample plane to detector and back: unitary Fourier transforms with the zero frequency at pixel n/2, in place.
void to_far_field(Field& field);
void from_far_field(Field& field);

/// Σ|P|².
double power(const Field& field);

/// Multiplies so that the power becomes `wanted`. @throws Error (other) if there is no light at all
void scale_to_power(Field& field, double wanted);

/// Diameter of the uniform disc that holds its light as tightly: of the circle about the centre of mass with 80 % of
/// the power, over √0.8. For a uniform disc its diameter; tails count little.
double equivalent_diameter_m(const Field& field, const Grid& grid);

}  // namespace ptychoflow::ptycho
