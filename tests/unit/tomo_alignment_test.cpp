#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/base/units.hpp"
#include "core/tomo/alignment.hpp"
#include "core/tomo/match_shift.hpp"
#include "core/tomo/sine_fit.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::test {
namespace {

using namespace tomo;
using Stack = device::Array<float, 3>;

struct Ellipsoid {
  double u, v, w;  ///< centre, px from the axis and from the middle row
  double a, b, c;  ///< half axes along u, v, w
  double density;  ///< rad a pixel
};

const std::vector<Ellipsoid> sample{{0, 0, 0, 18, 14, 17, 0.02},  {6, 4, -6, 5, 4, 4, 0.05},
                                    {-8, 2, 5, 4, 5, 5, -0.015},  {2, -7, 7, 3, 3, 4, 0.06},
                                    {-3, 6, -9, 3.5, 3, 3, 0.05}, {9, -3, 2, 2.5, 2.5, 2.5, 0.07}};

/// Line integral through the ellipsoid at pixel (x from the axis, y from the middle row).
double chord(const Ellipsoid& e, double angle_rad, double x, double y) {
  const double c = std::cos(angle_rad), s = std::sin(angle_rad);
  const double square = 1 - (y - e.w) * (y - e.w) / (e.c * e.c);
  const double width = e.a * e.a * c * c + e.b * e.b * s * s;
  const double t = x - (e.u * c + e.v * s);
  const double inside = square - t * t / width;
  return inside > 0 ? 2 * e.a * e.b * std::sqrt(inside / width) : 0;
}

struct Series {
  Stack phase;
  std::vector<double> angle_rad;
  std::vector<Shift> moved;  ///< by how much each was displaced
};

struct Flaws {
  double shift_px = 0;
  double noise_rad = 0;
  double ramp_rad = 0;  ///< from one edge to the other
};

Series series(Index angles, Extents<2> size, double axis_px, const Flaws& flaws, unsigned seed = 7) {
  Series s{Stack({angles, size[0], size[1]}), {}, {}};
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> even(-1, 1);
  std::normal_distribution<double> noise(0, 1);
  for (Index a = 0; a < angles; ++a) {
    const double angle_rad = pi * static_cast<double>(a) / static_cast<double>(angles);
    s.angle_rad.push_back(angle_rad);
    const Shift by{flaws.shift_px * even(random), flaws.shift_px * even(random)};
    s.moved.push_back(by);
    const double ramp_y = flaws.ramp_rad * even(random), ramp_x = flaws.ramp_rad * even(random);
    for (Index y = 0; y < size[0]; ++y) {
      for (Index x = 0; x < size[1]; ++x) {
        double phase = 0;
        for (int sub = 0; sub < 4; ++sub) {  // a pixel is the mean over its area
          const double v =
              static_cast<double>(y) + 0.5 * (sub / 2) - 0.25 - by.y_px - 0.5 * static_cast<double>(size[0] - 1);
          const double u = static_cast<double>(x) + 0.5 * (sub % 2) - 0.25 - by.x_px - axis_px;
          for (const Ellipsoid& e : sample) phase -= 0.25 * e.density * chord(e, angle_rad, u, v);
        }
        phase += ramp_y * (static_cast<double>(y) / static_cast<double>(size[0]) - 0.5) +
                 ramp_x * (static_cast<double>(x) / static_cast<double>(size[1]) - 0.5);
        s.phase(a, y, x) = static_cast<float>(phase + flaws.noise_rad * noise(random));
      }
    }
  }
  return s;
}

/// RMS of what is left of the displacements, less what nobody can know.
Shift residual_rms(const Series& s, const Alignment& found) {
  std::vector<double> y, x;
  for (std::size_t a = 0; a < s.moved.size(); ++a) {
    y.push_back(s.moved[a].y_px + found.shift[a].y_px);
    x.push_back(s.moved[a].x_px + found.shift[a].x_px);
  }
  double mean = 0;
  for (const double v : y) mean += v / static_cast<double>(y.size());
  const Sine path = fit_sine(x, s.angle_rad);
  Shift square{};
  for (std::size_t a = 0; a < y.size(); ++a) {
    square.y_px += std::pow(y[a] - mean, 2);
    square.x_px += std::pow(x[a] - path.at(s.angle_rad[a]), 2);
  }
  const auto n = static_cast<double>(y.size());
  return {std::sqrt(square.y_px / n), std::sqrt(square.x_px / n)};
}

TEST(Alignment, RandomShiftsWithNoiseAndRampsAreFound) {
  device::ThreadPool threads(2);
  const Series s = series(60, {80, 96}, 46.3, {20, 0.05, 0.1});
  AlignmentSettings settings;
  settings.method = AlignmentMethod::profile;
  const Shift coarse = residual_rms(s, find_alignment(s.phase, s.angle_rad, settings, threads));
  settings.method = AlignmentMethod::refine;
  int last = 0;
  const Alignment found = find_alignment(s.phase, s.angle_rad, settings, threads, [&](int iteration, double step) {
    last = iteration;
    fmt::print("{} {:.3f}\n", iteration, step);
    return true;
  });
  const Shift fine = residual_rms(s, found);
  fmt::print("profile {:.3f} {:.3f}, refined {:.3f} {:.3f}, axis {:.2f}\n", coarse.y_px, coarse.x_px, fine.y_px,
             fine.x_px, found.axis_px);
  EXPECT_LT(coarse.y_px, 0.5);
  EXPECT_LT(fine.y_px, 0.2);
  EXPECT_LT(fine.x_px, 0.2);
  EXPECT_EQ(found.iterations, last);
  EXPECT_TRUE(found.at_limit.empty());
}

}  // namespace
}  // namespace ptychoflow::test
