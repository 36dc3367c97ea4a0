#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "core/phase/ramp.hpp"

namespace ptychoflow::phase {
namespace {

/// A square of pixels that all have weight: its own plane, in coordinates of the image, by its mean and slopes.
struct Tile {
  double y, x;  ///< middle
  double mean_rad, per_y_rad, per_x_rad;
  double noise_rad;  ///< rms distance from its plane
};

std::vector<Tile> tiles_of(MapView phase, MapView weight, Index side) {
  std::vector<Tile> tiles;
  const auto n = static_cast<double>(side * side), middle = static_cast<double>(side - 1) / 2;
  const double second_moment = n * static_cast<double>(side * side - 1) / 12;  // Σ (y − middle)²
  for (Index y0 = 0; y0 + side <= phase.extent(0); y0 += side) {
    for (Index x0 = 0; x0 + side <= phase.extent(1); x0 += side) {
      double sum = 0, squares = 0, along_y = 0, along_x = 0;
      bool whole = true;
      for (Index y = 0; y < side; ++y) {
        for (Index x = 0; x < side; ++x) {
          const auto p = static_cast<double>(phase(y0 + y, x0 + x) - phase(y0, x0));
          whole &= weight(y0 + y, x0 + x) > 0;
          sum += p;
          squares += p * p;
          along_y += p * (static_cast<double>(y) - middle);
          along_x += p * (static_cast<double>(x) - middle);
        }
      }
      if (!whole) continue;
      const double left = squares - sum * sum / n - (along_y * along_y + along_x * along_x) / second_moment;
      tiles.push_back({static_cast<double>(y0) + middle, static_cast<double>(x0) + middle,
                       sum / n + static_cast<double>(phase(y0, x0)), along_y / second_moment, along_x / second_moment,
                       std::sqrt(std::max(left, 0.0) / n)});
    }
  }
  return tiles;
}

std::optional<Plane> plane_through(const Tile& a, const Tile& b, const Tile& c) {
  const double by = b.y - a.y, bx = b.x - a.x, cy = c.y - a.y, cx = c.x - a.x;
  const double area = by * cx - bx * cy;
  if (std::abs(area) < 1) return std::nullopt;
  const double bp = b.mean_rad - a.mean_rad, cp = c.mean_rad - a.mean_rad;
  const double py = (bp * cx - cp * bx) / area, px = (by * cp - cy * bp) / area;
  return Plane{a.mean_rad - py * a.y - px * a.x, py, px};
}

struct Score {
  Index in = 0;
  Index above = 0;
  Index value() const { return in - 2 * above; }
};

Score score_of(const Plane& plane, const std::vector<Tile>& tiles, double tolerance_rad, double noise_rad, Index side) {
  Score score;
  const double slope_tolerance = 2 * tolerance_rad / static_cast<double>(side);
  for (const Tile& t : tiles) {
    const double over = t.mean_rad - plane.offset_rad - plane.per_y_rad * t.y - plane.per_x_rad * t.x;
    if (over > 2 * tolerance_rad) ++score.above;
    score.in += std::abs(over) < tolerance_rad && t.noise_rad < noise_rad &&
                std::abs(t.per_y_rad - plane.per_y_rad) < slope_tolerance &&
                std::abs(t.per_x_rad - plane.per_x_rad) < slope_tolerance;
  }
  return score;
}

}  // namespace

std::optional<Air> find_air(MapView phase_rad, MapView weight) {
  expect(phase_rad.extents() == weight.extents(), "find_air was given maps of different extents");
  const Index side = std::clamp<Index>(std::min(phase_rad.extent(0), phase_rad.extent(1)) / 32, 4, 16);
  const std::vector<Tile> tiles = tiles_of(phase_rad, weight, side);
  const auto count = static_cast<Index>(tiles.size());
  constexpr Index fewest = 8;
  if (count < fewest) return std::nullopt;

  // The noise of air is that of the flattest tiles, a twentieth of which is asked for.
  std::vector<double> noise;
  for (const Tile& t : tiles) noise.push_back(t.noise_rad);
  const auto flat = noise.begin() + count / 20;
  std::nth_element(noise.begin(), flat, noise.end());
  const double noise_rad = 2 * *flat + 0.01, tolerance_rad = noise_rad / 2 + 0.03;
  std::vector<Tile> candidates;
  for (const Tile& t : tiles) {
    if (t.noise_rad < noise_rad) candidates.push_back(t);
  }
  if (candidates.size() < 3) return std::nullopt;

  std::mt19937 random(1);  // its numbers, taken modulo, are the same everywhere
  constexpr int tries = 3000;
  Plane best;
  Score best_score;
  for (int i = 0; i < tries; ++i) {
    std::array<const Tile*, 3> three{};
    for (auto& t : three) t = &candidates[random() % candidates.size()];
    const auto plane = plane_through(*three[0], *three[1], *three[2]);
    if (!plane) continue;
    const Score score = score_of(*plane, tiles, tolerance_rad, noise_rad, side);
    if (score.value() > best_score.value()) {
      best = *plane;
      best_score = score;
    }
  }
  if (best_score.in < std::max(fewest, count / 20) || best_score.above > best_score.in / 4) return std::nullopt;

  Air air{best, device::Array<std::uint8_t, 2>(phase_rad.extents())};
  const double reach_rad = 3 * std::max(noise_rad / 2, 0.02);
  for (int round = 0; round < 5; ++round) {
    for (Index y = 0; y < phase_rad.extent(0); ++y) {
      for (Index x = 0; x < phase_rad.extent(1); ++x) {
        air.marked(y, x) =
            weight(y, x) > 0 && std::abs(static_cast<double>(phase_rad(y, x)) - air.plane.at(y, x)) < reach_rad;
      }
    }
    air.plane = fit_plane(phase_rad, weight, air.marked);
  }
  return air;
}

}  // namespace ptychoflow::phase
