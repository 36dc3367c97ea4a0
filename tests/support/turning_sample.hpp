// Projections of a sample of ellipsoids about an axis, displaced and disturbed in known ways.
#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "core/base/units.hpp"
#include "core/device/array.hpp"
#include "core/tomo/shift_image.hpp"

namespace ptychoflow::test {

struct Ellipsoid {
  double u, v, w;  ///< centre, px from the axis and from the middle row
  double a, b, c;  ///< half axes along u, v, w
  double density;  ///< rad a pixel
};

inline const std::vector<Ellipsoid> ellipsoids{{0, 0, 0, 18, 14, 17, 0.02},  {6, 4, -6, 5, 4, 4, 0.05},
                                               {-8, 2, 5, 4, 5, 5, -0.015},  {2, -7, 7, 3, 3, 4, 0.06},
                                               {-3, 6, -9, 3.5, 3, 3, 0.05}, {9, -3, 2, 2.5, 2.5, 2.5, 0.07}};

/// Line integral through the ellipsoid at pixel (x from the axis, y from the middle row).
inline double chord(const Ellipsoid& e, double angle_rad, double x, double y) {
  const double c = std::cos(angle_rad), s = std::sin(angle_rad);
  const double square = 1 - (y - e.w) * (y - e.w) / (e.c * e.c);
  const double width = e.a * e.a * c * c + e.b * e.b * s * s;
  const double t = x - (e.u * c + e.v * s);
  const double inside = square - t * t / width;
  return inside > 0 ? 2 * e.a * e.b * std::sqrt(inside / width) : 0;
}

struct TurningSample {
  device::Array<float, 3> phase;   ///< [angle][y][x], rad
  std::vector<double> angle_rad;   ///< over half a turn
  std::vector<tomo::Shift> moved;  ///< by how much each was displaced
};

struct Flaws {
  double shift_px = 0;
  double noise_rad = 0;
  double ramp_rad = 0;  ///< from one edge to the other
};

inline TurningSample turning_sample(Index angles, Extents<2> size, double axis_px, const Flaws& flaws,
                                    unsigned seed = 7) {
  TurningSample s{device::Array<float, 3>({angles, size[0], size[1]}), {}, {}};
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> even(-1, 1);
  std::normal_distribution<double> noise(0, 1);
  for (Index a = 0; a < angles; ++a) {
    const double angle_rad = pi * static_cast<double>(a) / static_cast<double>(angles);
    s.angle_rad.push_back(angle_rad);
    const tomo::Shift by{flaws.shift_px * even(random), flaws.shift_px * even(random)};
    s.moved.push_back(by);
    const double ramp_y = flaws.ramp_rad * even(random), ramp_x = flaws.ramp_rad * even(random);
    for (Index y = 0; y < size[0]; ++y) {
      for (Index x = 0; x < size[1]; ++x) {
        double phase = 0;
        for (int sub = 0; sub < 4; ++sub) {  // a pixel is the mean over its area
          const double v =
              static_cast<double>(y) + 0.5 * (sub / 2) - 0.25 - by.y_px - 0.5 * static_cast<double>(size[0] - 1);
          const double u = static_cast<double>(x) + 0.5 * (sub % 2) - 0.25 - by.x_px - axis_px;
          for (const Ellipsoid& e : ellipsoids) phase -= 0.25 * e.density * chord(e, angle_rad, u, v);
        }
        phase += ramp_y * (static_cast<double>(y) / static_cast<double>(size[0]) - 0.5) +
                 ramp_x * (static_cast<double>(x) / static_cast<double>(size[1]) - 0.5);
        s.phase(a, y, x) = static_cast<float>(phase + flaws.noise_rad * noise(random));
      }
    }
  }
  return s;
}

}  // namespace ptychoflow::test
