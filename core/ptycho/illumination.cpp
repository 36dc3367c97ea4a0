#include "core/ptycho/illumination.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/device/fft.hpp"
#include "core/ptycho/random.hpp"

namespace ptychoflow::ptycho {
namespace {

/// Part of a pixel of size hy × hx, centred at y, x, that lies in the ring inner ≤ r < outer.
double covered(double y, double x, double hy, double hx, double inner, double outer) {
  const double r = std::hypot(y, x);
  const double reach = std::hypot(hy, hx) / 2;
  if (r + reach < outer && (inner <= 0 || r - reach >= inner)) return 1;
  if (r - reach >= outer || r + reach < inner) return 0;
  constexpr int samples = 16;
  int inside = 0;
  for (int sy = 0; sy < samples; ++sy) {
    for (int sx = 0; sx < samples; ++sx) {
      const double at = std::hypot(y + ((sy + 0.5) / samples - 0.5) * hy, x + ((sx + 0.5) / samples - 0.5) * hx);
      inside += at >= inner && at < outer;
    }
  }
  return static_cast<double>(inside) / (samples * samples);
}

/// Field whose value is f(y, x) at distances from pixel n/2 given in units of the two pixels.
template <class F>
Field filled(Yx<Index> shape, Yx<double> pixel, F&& f) {
  auto field = Field::uninitialized({shape.y, shape.x});
  for (Index y = 0; y < shape.y; ++y) {
    for (Index x = 0; x < shape.x; ++x) {
      field(y, x) = f(static_cast<double>(y - shape.y / 2) * pixel.y, static_cast<double>(x - shape.x / 2) * pixel.x);
    }
  }
  return field;
}

/// Moves every pixel by +sy, +sx, periodically.
void roll(Field& field, Index sy, Index sx) {
  const Index ny = field.extent(0), nx = field.extent(1);
  std::rotate(field.begin(), field.begin() + (ny - sy) % ny * nx, field.end());
  for (Index y = 0; y < ny; ++y) {
    auto* row = field.data() + y * nx;
    std::rotate(row, row + (nx - sx) % nx, row + nx);
  }
}

/// Pixel n/2 to pixel 0, and back.
void centre_to_corner(Field& f) { roll(f, f.extent(0) - f.extent(0) / 2, f.extent(1) - f.extent(1) / 2); }
void corner_to_centre(Field& f) { roll(f, f.extent(0) / 2, f.extent(1) / 2); }

void normalise(Field& field, double factor) {
  for (auto& v : field) v *= factor;
}

/// Mean of the measured pixels around a bad one; 0 if there is none.
double mended(View<const double, 2> counts, View<const std::uint8_t, 2> mask, Index y, Index x) {
  double sum = 0;
  int measured = 0;
  for (Index v = std::max<Index>(y - 1, 0); v < std::min(y + 2, counts.extent(0)); ++v) {
    for (Index u = std::max<Index>(x - 1, 0); u < std::min(x + 2, counts.extent(1)); ++u) {
      if (mask(v, u) != 0) continue;
      sum += counts(v, u);
      ++measured;
    }
  }
  return measured ? sum / measured : 0;
}

}  // namespace

double focal_length_m(const ZonePlate& plate, double wavelength_m) {
  return plate.diameter_m * plate.outer_zone_width_m / wavelength_m;
}

Field circular_aperture(const Grid& grid, double diameter_m) {
  const double window_m = std::min(grid.width_m().y, grid.width_m().x);
  if (!(diameter_m > 0) || diameter_m > window_m) {
    throw Error(ErrorCode::usage,
                fmt::format("aperture: diameter_m = {:.4g} must be positive and fit into the window of "
                            "{:.4g} m; change diameter_m or take a larger frame",
                            diameter_m, window_m));
  }
  auto field = filled(grid.shape, grid.pixel_m, [&](double y, double x) {
    return Complex<double>{covered(y, x, grid.pixel_m.y, grid.pixel_m.x, 0, diameter_m / 2), 0};
  });
  scale_to_power(field, 1);
  return field;
}

Field gaussian(const Grid& grid, double fwhm_m) {
  if (!(fwhm_m > 0)) throw Error(ErrorCode::usage, fmt::format("gaussian: fwhm_m = {} must be positive", fwhm_m));
  // |P|² = exp(−4 ln2 r²/w²)
  const double width = 2 * std::log(2) / (fwhm_m * fwhm_m);
  auto field = filled(grid.shape, grid.pixel_m, [&](double y, double x) {
    return Complex<double>{std::exp(-width * (y * y + x * x)), 0};
  });
  scale_to_power(field, 1);
  return field;
}

Field zone_plate(const Grid& grid, const ZonePlate& plate, double wavelength_m) {
  const auto& [diameter_m, zone_m, stop_m, defocus_m] = plate;
  if (!(diameter_m > 0 && zone_m > 0 && stop_m >= 0 && stop_m < diameter_m && zone_m < diameter_m)) {
    throw Error(
        ErrorCode::usage,
        fmt::format("zone plate: diameter_m = {:.4g}, outer_zone_width_m = {:.4g} and central_stop_m = {:.4g} do "
                    "not describe a lens: the stop and the zone must be narrower than the plate",
                    diameter_m, zone_m, stop_m));
  }
  const double coarsest_m = std::max(grid.pixel_m.y, grid.pixel_m.x);
  if (zone_m <= coarsest_m) {
    throw Error(
        ErrorCode::usage,
        fmt::format("zone plate: outer_zone_width_m = {:.4g} is not wider than the object pixel of {:.4g} m, so "
                    "its cone is wider than the detector; take a wider zone, a shorter detector distance or more "
                    "detector pixels",
                    zone_m, coarsest_m));
  }
  // Pixels of the pupil: q = 1/(n·dx), seen at radius λf·q.
  const double per_q = wavelength_m * focal_length_m(plate, wavelength_m);
  const double hy = per_q / grid.width_m().y;
  const double hx = per_q / grid.width_m().x;
  auto field = filled(grid.shape, {hy, hx}, [&](double y, double x) {
    return Complex<double>{covered(y, x, hy, hx, plate.central_stop_m / 2, plate.diameter_m / 2), 0};
  });
  if (power(field) <= 0) {
    throw Error(ErrorCode::usage, "zone plate: the open ring is too thin for this grid; use a smaller central_stop_m");
  }
  from_far_field(field);
  propagate(field, grid, wavelength_m, defocus_m);
  scale_to_power(field, 1);
  return field;
}

Field from_data(View<const double, 2> mean_counts, View<const std::uint8_t, 2> mask, const Grid& grid,
                double wavelength_m, double defocus_m) {
  expect(mean_counts.extents() == Extents<2>{grid.shape.y, grid.shape.x},
         "from_data: pattern and grid differ in shape");
  expect(mask.empty() || mask.extents() == mean_counts.extents(), "from_data: pattern and mask differ in shape");
  auto field = Field::uninitialized({grid.shape.y, grid.shape.x});
  for (Index y = 0; y < grid.shape.y; ++y) {
    for (Index x = 0; x < grid.shape.x; ++x) {
      const double counts = mask.empty() || mask(y, x) == 0 ? mean_counts(y, x) : mended(mean_counts, mask, y, x);
      if (!(counts >= 0) || !std::isfinite(counts)) {
        throw Error(ErrorCode::data,
                    fmt::format("the mean pattern is {} at pixel y {}, x {}: counts must be finite and "
                                "not negative; mask such pixels",
                                counts, y, x));
      }
      field(y, x) = {std::sqrt(counts), 0};
    }
  }
  if (power(field) <= 0) {
    throw Error(ErrorCode::data,
                "the mean pattern is empty, so no probe can be made from it: check frames and mask, or "
                "choose another initial probe");
  }
  from_far_field(field);
  propagate(field, grid, wavelength_m, defocus_m);
  return field;
}

Field random_illumination(const Grid& grid, std::uint64_t seed) {
  Random random(seed);
  const double half_y = static_cast<double>(grid.shape.y) / 2, half_x = static_cast<double>(grid.shape.x) / 2;
  auto field = filled(grid.shape, {1 / half_y, 1 / half_x}, [&](double y, double x) {
    const double envelope = std::exp(-8 * std::log(2) * (y * y + x * x) / 2);
    const double re = random.normal();
    return envelope * Complex<double>{re, random.normal()};
  });
  scale_to_power(field, 1);
  return field;
}

void propagate(Field& field, const Grid& grid, double wavelength_m, double distance_m) {
  if (!(wavelength_m > 0 && grid.pixel_m.y > 0 && grid.pixel_m.x > 0)) {
    throw Error(ErrorCode::usage,
                fmt::format("propagation needs a positive wavelength and pixel, not {:.4g} m and {:.4g} "
                            "× {:.4g} m",
                            wavelength_m, grid.pixel_m.y, grid.pixel_m.x));
  }
  if (distance_m == 0) return;
  const Index ny = field.extent(0), nx = field.extent(1);
  const device::Fft2d<double> fft(ny, nx);
  // A convolution: where the origin of space is does not matter, so neither corner nor centre need moving.
  fft.forward(field.data());
  const double k = 1 / wavelength_m;
  for (Index y = 0; y < ny; ++y) {
    const double qy = static_cast<double>(y < (ny + 1) / 2 ? y : y - ny) / grid.width_m().y;
    for (Index x = 0; x < nx; ++x) {
      const double qx = static_cast<double>(x < (nx + 1) / 2 ? x : x - nx) / grid.width_m().x;
      const double q2 = qy * qy + qx * qx;
      // √(k²−q²) − k, without the loss of digits; directions beyond 90° do not travel.
      const double kz = q2 < k * k ? -q2 / (k + std::sqrt(k * k - q2)) : 0;
      const auto factor = q2 < k * k ? polar(1.0, 2 * pi * distance_m * kz) : Complex<double>{};
      field(y, x) *= factor;
    }
  }
  fft.inverse(field.data());
  normalise(field, 1 / static_cast<double>(ny * nx));
}

void to_far_field(Field& field) {
  centre_to_corner(field);
  device::Fft2d<double>(field.extent(0), field.extent(1)).forward(field.data());
  corner_to_centre(field);
  normalise(field, 1 / std::sqrt(static_cast<double>(field.size())));
}

void from_far_field(Field& field) {
  centre_to_corner(field);
  device::Fft2d<double>(field.extent(0), field.extent(1)).inverse(field.data());
  corner_to_centre(field);
  normalise(field, 1 / std::sqrt(static_cast<double>(field.size())));
}

double power(const Field& field) {
  double sum = 0;
  for (const auto& v : field) sum += norm(v);
  return sum;
}

void scale_to_power(Field& field, double wanted) {
  const double have = power(field);
  expect(have > 0, "a probe without light cannot be scaled");
  normalise(field, std::sqrt(wanted / have));
}

double equivalent_diameter_m(const Field& field, const Grid& grid) {
  double total = 0, my = 0, mx = 0;
  for (Index y = 0; y < grid.shape.y; ++y) {
    for (Index x = 0; x < grid.shape.x; ++x) {
      const double p = norm(field(y, x));
      total += p;
      my += p * static_cast<double>(y);
      mx += p * static_cast<double>(x);
    }
  }
  expect(total > 0, "a probe without light has no width");
  my /= total;
  mx /= total;
  std::vector<std::pair<double, double>> rings;  // radius, power
  rings.reserve(static_cast<std::size_t>(field.size()));
  for (Index y = 0; y < grid.shape.y; ++y) {
    for (Index x = 0; x < grid.shape.x; ++x) {
      rings.emplace_back(
          std::hypot((static_cast<double>(y) - my) * grid.pixel_m.y, (static_cast<double>(x) - mx) * grid.pixel_m.x),
          norm(field(y, x)));
    }
  }
  std::sort(rings.begin(), rings.end());
  constexpr double part = 0.8;
  double inside = 0;
  for (const auto& [radius, p] : rings) {
    inside += p;
    if (inside >= part * total) return 2 * radius / std::sqrt(part);
  }
  return 2 * rings.back().first;
}

}  // namespace ptychoflow::ptycho
