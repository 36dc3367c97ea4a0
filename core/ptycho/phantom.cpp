#include "core/ptycho/phantom.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/ptycho/random.hpp"

namespace ptychoflow::ptycho {
namespace {

constexpr double least_size = 0.6, greatest_size = 1.4;  // of a crystal, relative to the mean
constexpr double room = 1.05;       // of a body, relative to its radius, so that neighbours do not touch
constexpr int attempts = 4000;      // to find a place for a body
constexpr Index rays_per_side = 5;  // of a projection's pixel

void check(const PhantomSettings& s) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorCode::usage, "pillar: " + what); };
  if (!(s.diameter_m > 0 && s.height_m > 0)) {
    refuse(fmt::format("diameter {:.4g} m and height {:.4g} m must be positive", s.diameter_m, s.height_m));
  }
  if (!(s.tip_m >= 0 && 2 * s.tip_m <= s.height_m)) {
    refuse(fmt::format("tips of {:.4g} m must be 0 or more, and together not longer than its height, {:.4g} m", s.tip_m,
                       s.height_m));
  }
  if (s.crystals < 0 || s.pores < 0) {
    refuse(fmt::format("{} crystals and {} pores: neither can be negative", s.crystals, s.pores));
  }
  const double widest = std::min(s.diameter_m, s.height_m);
  if (s.crystals + s.pores > 0 && !(s.crystal_m > 0 && greatest_size * room * s.crystal_m < widest)) {
    refuse(fmt::format(
        "crystals and pores of {:.3g} m must be positive and {:.3g} m at most, to fit into a pillar {:.3g} m "
        "wide and {:.3g} m high: take a smaller crystal_m",
        s.crystal_m, widest / (greatest_size * room), s.diameter_m, s.height_m));
  }
}

/// All orientations alike: a unit quaternion from four normal numbers.
Axes random_axes(Random& random) {
  double w = random.normal(), x = random.normal(), y = random.normal(), z = random.normal();
  const double norm = std::sqrt(w * w + x * x + y * y + z * z);
  w /= norm, x /= norm, y /= norm, z /= norm;
  return {Point{1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)},
          Point{2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)},
          Point{2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)}};
}

std::array<double, 3> random_sides(Random& random) {
  const double a = random.uniform(0.6, 1), b = random.uniform(0.6, 1);
  return {1, a, b};
}

Solid random_ellipsoid(Random& random, const Point& centre, double radius) {
  auto half_axes = random_sides(random);
  for (double& half : half_axes) half *= radius;
  return ellipsoid(centre, half_axes, random_axes(random));
}

Solid random_crystal(Random& random, const Point& centre, double radius, Index number) {
  if (number % 3 == 0) return random_ellipsoid(random, centre, radius);
  if (number % 3 == 1) {
    auto half_edges = random_sides(random);
    const double diagonal = std::hypot(half_edges[0], half_edges[1], half_edges[2]);
    for (double& half : half_edges) half *= radius / diagonal;
    return box(centre, half_edges, random_axes(random));
  }
  const double cut = random.uniform(0.65, 1);
  return octahedron(centre, radius, cut, random_axes(random));
}

/// Whether a sphere of this radius is all inside of the pillar.
bool holds(const PhantomSettings& s, const Point& at, double radius) {
  const double across = std::hypot(at.u, at.v), to_end = s.height_m / 2 - std::abs(at.z);
  if (across + radius > s.diameter_m / 2 || to_end < radius) return false;
  if (s.tip_m == 0) return true;
  const double slope = s.diameter_m / 2 / s.tip_m;  // of the cone, whose surface is at across = slope·to_end
  return (slope * to_end - across) / std::hypot(1, slope) >= radius;
}

/// A place inside of the pillar for a sphere of this radius, apart from those that are there.
Point place(Random& random, const PhantomSettings& s, double radius, const std::vector<Body>& others) {
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const double r = s.diameter_m / 2 * std::sqrt(random.uniform()), angle = random.uniform(0, 2 * pi);
    const Point at{r * std::cos(angle), r * std::sin(angle), s.height_m * (random.uniform() - 0.5)};
    const bool is_free =
        holds(s, at, room * radius) && std::none_of(others.begin() + 1, others.end(), [&](const Body& other) {
          const Point way = at - other.solid.centre;
          return std::sqrt(dot(way, way)) < room * (radius + other.solid.reach);
        });
    if (is_free) return at;
  }
  throw Error(
      ErrorCode::usage,
      fmt::format("pillar: only {} of {} crystals and pores of {:.3g} m found room in a pillar {:.3g} m wide and "
                  "{:.3g} m high: take fewer, or a smaller crystal_m",
                  others.size() - 1, s.crystals + s.pores, s.crystal_m, s.diameter_m, s.height_m));
}

/// What a pixel's rays have met.
struct Path {
  double delta_m = 0;  ///< ∫δ dl
  double beta_m = 0;   ///< ∫β dl
};

/// Offset of ray or line `i` of `count` from the middle of its pixel, in pixels.
double within(Index i, Index count) { return (static_cast<double>(i) + 0.5) / static_cast<double>(count) - 0.5; }

/// Pixels from first to last, and one more on each side, of [0, count).
device::Share touched(double first, double last, Index count) {
  const double end = static_cast<double>(count);
  const auto low = static_cast<Index>(std::clamp(std::floor(first) - 1, 0.0, end));
  return {low, std::max(low, static_cast<Index>(std::clamp(std::ceil(last) + 2, 0.0, end)))};
}

/// Lines through a row of pixels or voxels, evenly spread over as much of its height as a body can be in: a
/// pillar's flat top is cut where it is.
class Lines {
 public:
  Lines(const Solid& solid, double middle_m, double height_m, Index count)
      : low_m_(std::max(middle_m - height_m / 2, solid.centre.z - solid.rise)),
        high_m_(std::min(middle_m + height_m / 2, solid.centre.z + solid.rise)),
        height_m_(height_m),
        count_(count) {}

  Index count() const { return high_m_ > low_m_ ? count_ : 0; }
  double weight() const { return (high_m_ - low_m_) / height_m_ / static_cast<double>(count_); }
  double z_m(Index i) const { return (low_m_ + high_m_) / 2 + within(i, count_) * (high_m_ - low_m_); }

 private:
  double low_m_, high_m_, height_m_;
  Index count_;
};

/// Adds what the rays of row `y` meet of `body`.
void add_to_row(const Body& body, double angle_rad, const ProjectionPlane& plane, Index y, std::vector<Path>& row) {
  const double cosine = std::cos(angle_rad), sine = std::sin(angle_rad);
  const Point& centre = body.solid.centre;
  const double reach = body.solid.reach, pixel_m = plane.pixel_m.x;
  const Lines lines(body.solid, (static_cast<double>(y) - plane.middle_px.y) * plane.pixel_m.y, plane.pixel_m.y,
                    rays_per_side);
  if (lines.count() == 0) return;
  const double across_m = centre.u * cosine + centre.v * sine;
  const auto columns = touched((across_m - reach) / pixel_m + plane.middle_px.x,
                               (across_m + reach) / pixel_m + plane.middle_px.x, plane.shape.x);
  for (Index x = columns.first; x < columns.last; ++x) {
    double sum_m = 0;
    for (Index i = 0; i < rays_per_side; ++i) {
      const double s = (static_cast<double>(x) + within(i, rays_per_side) - plane.middle_px.x) * pixel_m;
      for (Index j = 0; j < lines.count(); ++j) {
        sum_m += crossing(body.solid, {{s * cosine, s * sine, lines.z_m(j)}, {-sine, cosine, 0}}).length();
      }
    }
    const double chord_m = sum_m * lines.weight() / static_cast<double>(rays_per_side);
    auto& path = row[static_cast<std::size_t>(x)];
    path.delta_m += chord_m * body.contrast.delta;
    path.beta_m += chord_m * body.contrast.beta;
  }
}

/// Adds δ of `body` to the line of voxels along x at v, z: each gets its part of the chord.
void add_to_line(const Body& body, double v_m, double z_m, double voxel_m, double weight, std::vector<double>& line) {
  const Crossing inside = crossing(body.solid, {{0, v_m, z_m}, {1, 0, 0}});
  const double half = static_cast<double>(line.size()) / 2;  // voxel i reaches from i − half to i + 1 − half
  const double enter = inside.enter / voxel_m + half, leave = inside.leave / voxel_m + half;
  const auto voxels = touched(enter, leave, static_cast<Index>(line.size()));
  for (Index x = voxels.first; x < voxels.last; ++x) {
    const double low = std::max(enter, static_cast<double>(x)), high = std::min(leave, static_cast<double>(x + 1));
    if (high > low) line[static_cast<std::size_t>(x)] += weight * (high - low) * body.contrast.delta;
  }
}

/// Adds δ of `body` to a line of voxels along x whose middle is at v, z.
void add_to_voxels(const Body& body, double v_m, double z_m, double voxel_m, Index supersampling,
                   std::vector<double>& line) {
  const Solid& solid = body.solid;
  if (std::abs(v_m - solid.centre.v) > solid.reach + voxel_m) return;
  const Lines lines(solid, z_m, voxel_m, supersampling);
  for (Index i = 0; i < lines.count(); ++i) {
    for (Index j = 0; j < supersampling; ++j) {
      add_to_line(body, v_m + within(j, supersampling) * voxel_m, lines.z_m(i), voxel_m,
                  lines.weight() / static_cast<double>(supersampling), line);
    }
  }
}

}  // namespace

Phantom make_phantom(const PhantomSettings& s) {
  check(s);
  Phantom phantom;
  phantom.bodies.push_back({pillar({}, s.diameter_m / 2, s.height_m, s.tip_m), s.matrix});
  Random random(s.seed);
  std::vector<double> radii;
  for (Index i = 0; i < s.crystals + s.pores; ++i) {
    radii.push_back(s.crystal_m / 2 * random.uniform(least_size, greatest_size));
  }
  const Matter crystal{s.crystal.delta - s.matrix.delta, s.crystal.beta - s.matrix.beta};
  const Matter pore{-s.matrix.delta, -s.matrix.beta};
  for (Index i = 0; i < s.crystals + s.pores; ++i) {
    const double radius = radii[static_cast<std::size_t>(i)];
    const Point centre = place(random, s, radius, phantom.bodies);
    if (i < s.crystals) {
      phantom.bodies.push_back({random_crystal(random, centre, radius, i), crystal});
    } else {
      phantom.bodies.push_back({random_ellipsoid(random, centre, radius), pore});
    }
  }
  return phantom;
}

Field project(const Phantom& phantom, double angle_rad, const ProjectionPlane& plane, double wavenumber_per_m,
              device::ThreadPool& pool) {
  auto field = Field::uninitialized({plane.shape.y, plane.shape.x});
  pool.run_in_turn(plane.shape.y, [&](int, Index y) {
    std::vector<Path> row(static_cast<std::size_t>(plane.shape.x));
    for (const Body& body : phantom.bodies) add_to_row(body, angle_rad, plane, y, row);
    for (Index x = 0; x < plane.shape.x; ++x) {
      const auto& path = row[static_cast<std::size_t>(x)];
      field(y, x) = polar(std::exp(-wavenumber_per_m * path.beta_m), -wavenumber_per_m * path.delta_m);
    }
  });
  return field;
}

device::Array<float, 3> sample_volume(const Phantom& phantom, const Extents<3>& shape, double voxel_m,
                                      Index supersampling, device::ThreadPool& pool) {
  auto volume = device::Array<float, 3>::uninitialized(shape);
  const auto at_m = [&](Index i, Index count) {
    return (static_cast<double>(i) - static_cast<double>(count - 1) / 2) * voxel_m;
  };
  pool.run_in_turn(shape[0], [&](int, Index z) {
    std::vector<double> line(static_cast<std::size_t>(shape[2]));
    for (Index y = 0; y < shape[1]; ++y) {
      std::ranges::fill(line, 0.0);
      for (const Body& body : phantom.bodies) {
        add_to_voxels(body, at_m(y, shape[1]), at_m(z, shape[0]), voxel_m, supersampling, line);
      }
      std::ranges::transform(line, volume[z][y].begin(), [](double delta) { return static_cast<float>(delta); });
    }
  });
  return volume;
}

}  // namespace ptychoflow::ptycho
