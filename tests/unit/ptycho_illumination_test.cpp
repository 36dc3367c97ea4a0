#include "core/ptycho/illumination.hpp"

#include <gtest/gtest.h>
#include <hdf5.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/units.hpp"

namespace ptychoflow::ptycho {
namespace {

constexpr double wavelength_m = 1e-10;

Grid square_grid(Index n, double pixel_m) { return {{n, n}, {pixel_m, pixel_m}}; }

/// |⟨a|b⟩| / (‖a‖‖b‖): 1 for the same field up to a complex scale.
double likeness(const Field& a, View<const Complex<double>, 2> b) {
  Complex<double> overlap;
  double power_b = 0;
  for (Index i = 0; i < a.size(); ++i) {
    overlap += conj(a.data()[i]) * b.data()[i];
    power_b += norm(b.data()[i]);
  }
  return abs(overlap) / std::sqrt(power(a) * power_b);
}

/// Full width at half maximum of |P|² along x through the middle, in pixels, by linear interpolation.
double full_width_px(const Field& f) {
  const Index cy = f.extent(0) / 2, cx = f.extent(1) / 2;
  const double half = norm(f(cy, cx)) / 2;
  Index x = cx;
  while (norm(f(cy, x)) > half) ++x;
  const double outer = norm(f(cy, x)), inner = norm(f(cy, x - 1));
  return 2 * (static_cast<double>(x - 1 - cx) + (inner - half) / (inner - outer));
}

TEST(Aperture, has_unit_power_and_the_area_of_its_disc) {
  const auto grid = square_grid(64, 10e-9);
  const auto probe = circular_aperture(grid, 305e-9);
  EXPECT_NEAR(power(probe), 1, 1e-12);
  double area_px = 0;
  for (const auto& v : probe) area_px += abs(v) / abs(probe(32, 32));
  EXPECT_NEAR(area_px, pi / 4 * 30.5 * 30.5, 0.5);  // rim pixels are sampled 16 × 16
  EXPECT_NEAR(equivalent_diameter_m(probe, grid), 305e-9, 10e-9);
}

TEST(Aperture, as_wide_as_one_pixel_lights_the_middle_pixel) {
  const auto probe = circular_aperture(square_grid(4, 1), 0.9);
  EXPECT_NEAR(abs(probe(2, 2)), 1, 1e-12);
}

TEST(Aperture, wider_than_the_window_is_refused) {
  EXPECT_THROW(circular_aperture(square_grid(8, 1e-9), 9e-9), Error);
  EXPECT_THROW(circular_aperture(square_grid(8, 1e-9), 0), Error);
}

TEST(Gaussian, has_its_width_in_both_axes_of_a_grid_with_oblong_pixels) {
  const Grid grid{{96, 128}, {10e-9, 8e-9}};
  const auto probe = gaussian(grid, 160e-9);
  EXPECT_NEAR(norm(probe(48, 64 + 10)) / norm(probe(48, 64)), 0.5, 1e-12);
  EXPECT_NEAR(norm(probe(48 - 8, 64)) / norm(probe(48, 64)), 0.5, 1e-12);
}

TEST(FarField, there_and_back_is_the_identity_for_even_and_odd_sizes) {
  const auto before = random_illumination({{5, 8}, {1, 1}}, 3);
  auto field = Field::copy_of(before);
  to_far_field(field);
  EXPECT_NEAR(power(field), 1, 1e-12);
  from_far_field(field);
  for (Index i = 0; i < field.size(); ++i) EXPECT_NEAR(abs(field.data()[i] - before.data()[i]), 0, 1e-14);
}

TEST(FarField, of_a_point_in_the_middle_is_flat_and_real) {
  Field field({5, 4});
  field(2, 2) = {1, 0};
  to_far_field(field);
  for (const auto& v : field) EXPECT_NEAR(abs(v - Complex<double>{1 / std::sqrt(20.0), 0}), 0, 1e-15);
}

TEST(Propagate, keeps_power_and_is_undone_by_the_way_back) {
  const auto grid = square_grid(48, 12e-9);
  const auto before = random_illumination(grid, 1);
  auto field = Field::copy_of(before);
  propagate(field, grid, wavelength_m, 1e-4);
  EXPECT_NEAR(power(field), 1, 1e-12);
  EXPECT_LT(likeness(before, field), 0.9);
  propagate(field, grid, wavelength_m, -1e-4);
  for (Index i = 0; i < field.size(); ++i) EXPECT_NEAR(abs(field.data()[i] - before.data()[i]), 0, 1e-13);
}

// A Gaussian beam is known in closed form: after one Rayleigh length its radius is √2 times the waist, and the
// wavefront of a diverging exp(+ikz) wave runs ahead on the axis, so the phase grows outwards as +πr²/(λR), R = 2·z_R.
TEST(Propagate, spreads_a_gaussian_beam_as_the_formula_says) {
  const auto grid = square_grid(128, 10e-9);
  const double waist_m = 100e-9;  // 1/e² radius of the intensity
  auto field = gaussian(grid, waist_m * std::sqrt(2 * std::log(2)));
  const double rayleigh_m = pi * waist_m * waist_m / wavelength_m;
  propagate(field, grid, wavelength_m, rayleigh_m);
  const Index off = 14;  // 140 nm: about the new radius √2·100 nm
  const double r_m = 10e-9 * static_cast<double>(off);
  EXPECT_NEAR(norm(field(64, 64 + off)) / norm(field(64, 64)), std::exp(-r_m * r_m / (waist_m * waist_m)), 1e-4);
  EXPECT_NEAR(arg(field(64, 64 + off) * conj(field(64, 64))), pi * r_m * r_m / (wavelength_m * 2 * rayleigh_m), 1e-4);
}

TEST(ZonePlate, focuses_to_an_airy_disc_as_wide_as_its_outer_zone_says) {
  const ZonePlate plate{100e-6, 40e-9, 0, 0};
  EXPECT_DOUBLE_EQ(focal_length_m(plate, wavelength_m), 0.04);
  const auto grid = square_grid(512, 4e-9);
  const auto focus = zone_plate(grid, plate, wavelength_m);
  EXPECT_NEAR(power(focus), 1, 1e-12);
  const auto brightest = std::max_element(focus.begin(), focus.end(), [](auto a, auto b) { return norm(a) < norm(b); });
  EXPECT_EQ(brightest - focus.begin(), 256 * 512 + 256);
  // λf/D is the outer zone width; the Airy pattern is 1.029 of it wide at half maximum.
  EXPECT_NEAR(full_width_px(focus) * 4e-9, 1.029 * 40e-9, 0.01 * 40e-9);
}

TEST(ZonePlate, out_of_focus_is_a_disc_with_the_shadow_of_its_stop) {
  const auto grid = square_grid(256, 10e-9);
  const double defocus_m = 400e-6;  // cone: defocus · λ / outer zone width = 1 µm across
  const auto probe = zone_plate(grid, {100e-6, 40e-9, 50e-6, defocus_m}, wavelength_m);
  double ring = 0, shadow = 0;
  for (Index y = 0; y < 256; ++y) {
    for (Index x = 0; x < 256; ++x) {
      const double r_m = 10e-9 * std::hypot(static_cast<double>(y - 128), static_cast<double>(x - 128));
      if (r_m < 0.2e-6) shadow += norm(probe(y, x));
      if (r_m > 0.22e-6 && r_m < 0.55e-6) ring += norm(probe(y, x));
    }
  }
  EXPECT_GT(ring, 0.8);  // at Fresnel number 6 the fringes take some light beyond the edges
  EXPECT_LT(shadow, 0.05);
}

TEST(ZonePlate, downstream_of_the_focus_the_wave_diverges) {
  const auto grid = square_grid(256, 10e-9);
  const auto phase_at_30_px = [&](double defocus_m) {
    const auto p = zone_plate(grid, {100e-6, 40e-9, 0, defocus_m}, wavelength_m);
    Complex<double> slope;  // mean phase step outwards along x
    for (Index x = 20; x < 40; ++x) slope += p(128, 128 + x + 1) * conj(p(128, 128 + x));
    return arg(slope);
  };
  EXPECT_GT(phase_at_30_px(400e-6), 0.1);
  EXPECT_LT(phase_at_30_px(-400e-6), -0.1);
}

TEST(ZonePlate, whose_cone_is_wider_than_the_detector_is_refused_with_a_mend) {
  try {
    zone_plate(square_grid(64, 50e-9), {100e-6, 40e-9, 0, 0}, wavelength_m);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::usage);
    EXPECT_NE(std::string(e.what()).find("outer_zone_width_m"), std::string::npos) << e.what();
  }
  EXPECT_THROW(zone_plate(square_grid(64, 10e-9), {100e-6, 40e-9, 100e-6, 0}, wavelength_m), Error);
}

TEST(FromData, finds_the_probe_whose_pattern_it_is_given) {
  const auto grid = square_grid(128, 10e-9);
  const auto truth = zone_plate(grid, {100e-6, 40e-9, 40e-6, 100e-6}, wavelength_m);
  auto pattern = Field::copy_of(truth);
  to_far_field(pattern);
  device::Array<double, 2> counts({128, 128});
  for (Index i = 0; i < counts.size(); ++i) counts.data()[i] = 5000 * norm(pattern.data()[i]);
  const auto probe = from_data(counts, {}, grid, wavelength_m, 100e-6);
  EXPECT_NEAR(power(probe), 5000, 1e-8);
  EXPECT_NEAR(likeness(probe, truth), 1, 1e-9);
}

TEST(FromData, gives_a_bad_pixel_the_mean_of_its_measured_neighbours) {
  device::Array<double, 2> counts({4, 4});
  std::fill(counts.begin(), counts.end(), 2.0);
  counts(1, 1) = -1;
  device::Array<std::uint8_t, 2> mask({4, 4});
  mask(1, 1) = 1;
  EXPECT_NEAR(power(from_data(counts, mask, square_grid(4, 1e-8), wavelength_m, 0)), 32, 1e-12);
  EXPECT_THROW(from_data(counts, {}, square_grid(4, 1e-8), wavelength_m, 0), Error);
  std::fill(mask.begin(), mask.end(), std::uint8_t{1});
  EXPECT_THROW(from_data(counts, mask, square_grid(4, 1e-8), wavelength_m, 0), Error);
}

TEST(RandomIllumination, depends_on_the_seed_alone) {
  const auto grid = square_grid(16, 1e-8);
  const auto a = random_illumination(grid, 7), b = random_illumination(grid, 7), c = random_illumination(grid, 8);
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin()));
  EXPECT_FALSE(std::equal(a.begin(), a.end(), c.begin()));
}

/// A whole dataset as doubles.
std::vector<double> read(hid_t file, const char* path, hid_t type = H5T_NATIVE_DOUBLE) {
  const hid_t set = H5Dopen2(file, path, H5P_DEFAULT);
  const hid_t space = H5Dget_space(set);
  const bool complex = H5Tget_class(type) == H5T_COMPOUND;
  std::vector<double> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)) * (complex ? 2 : 1));
  EXPECT_GE(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0) << path;
  H5Sclose(space);
  H5Dclose(set);
  return values;
}

// Fixes the sign of propagation against a measurement: the probe fitted to this scan stands 0.8 mm downstream of the
// focus, and √ of the mean pattern propagated there is much more like it than propagated the other way.
TEST(FromData, of_the_measured_siemens_star_looks_like_its_probe_only_downstream) {
  const char* folder = std::getenv("PTYCHOFLOW_DATA");
  if (!folder) GTEST_SKIP() << "PTYCHOFLOW_DATA is not set to the folder of test scans";
  const std::string path = std::string(folder) + "/real/siemens_star_aps_velociprobe.cxi";
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  ASSERT_GE(file, 0) << path;
  constexpr Index n = 128;
  const auto frames = read(file, "entry_1/data_1/data");
  device::Array<double, 2> mean({n, n});
  for (std::size_t i = 0; i < frames.size(); ++i) mean.data()[i % (n * n)] += frames[i];
  for (auto& v : mean) v /= static_cast<double>(frames.size() / (n * n));
  const double wave_m = wavelength_m_from_energy_J(read(file, "entry_1/instrument_1/source_1/energy").front());
  const double pixel_m = wave_m * read(file, "entry_1/instrument_1/detector_1/distance").front() /
                         (n * read(file, "entry_1/instrument_1/detector_1/x_pixel_size").front());
  const hid_t complex_type = H5Tcreate(H5T_COMPOUND, 16);
  H5Tinsert(complex_type, "r", 0, H5T_NATIVE_DOUBLE);
  H5Tinsert(complex_type, "i", 8, H5T_NATIVE_DOUBLE);
  auto fitted = read(file, "entry_1/instrument_1/initial_probe", complex_type);
  H5Tclose(complex_type);
  H5Fclose(file);

  const View<const Complex<double>, 2> known(reinterpret_cast<const Complex<double>*>(fitted.data()), {n, n});
  const auto grid = square_grid(n, pixel_m);
  const auto match = [&](double z_m) { return likeness(from_data(mean, {}, grid, wave_m, z_m), known); };
  EXPECT_GT(match(0.8e-3), 0.4);  // measured: 0.50
  EXPECT_LT(match(0), 0.15);
  EXPECT_LT(match(-0.8e-3), 0.15);
}

}  // namespace
}  // namespace ptychoflow::ptycho
