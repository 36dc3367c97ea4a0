#include "core/ptycho/solids.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ptychoflow::ptycho {
namespace {

constexpr double endless = std::numeric_limits<double>::infinity();

/// Keeps the part of the ray where rate·t ≤ room.
void clip(Crossing& inside, double rate, double room) {
  if (rate > 0) {
    inside.leave = std::min(inside.leave, room / rate);
  } else if (rate < 0) {
    inside.enter = std::max(inside.enter, room / rate);
  } else if (room < 0) {
    inside.leave = -endless;
  }
}

/// Keeps the part of the ray where a·t² + 2b·t + c ≤ 0, a > 0.
void clip_quadric(Crossing& inside, double a, double b, double c) {
  const double square = b * b - a * c;
  if (square <= 0) {
    inside.leave = -endless;
    return;
  }
  const double half = std::sqrt(square);
  inside.enter = std::max(inside.enter, (-b - half) / a);
  inside.leave = std::min(inside.leave, (-b + half) / a);
}

// `from` is relative to the body's centre in all of these.

void clip(Crossing& inside, const Pillar& p, const Point& from, const Point& along) {
  const double radius = p.radius_at(from.z);
  clip_quadric(inside, along.u * along.u + along.v * along.v, from.u * along.u + from.v * along.v,
               from.u * from.u + from.v * from.v - radius * radius);
}

void clip(Crossing& inside, const Ellipsoid& e, const Point& from, const Point& along) {
  double a = 0, b = 0, c = -1;  // in coordinates in which it is the unit sphere
  for (std::size_t i = 0; i < 3; ++i) {
    const double f = dot(e.axes[i], from) / e.half_axes[i], d = dot(e.axes[i], along) / e.half_axes[i];
    a += d * d;
    b += f * d;
    c += f * f;
  }
  clip_quadric(inside, a, b, c);
}

void clip(Crossing& inside, const Polyhedron& p, const Point& from, const Point& along) {
  for (const auto& face : p.faces) clip(inside, dot(face.normal, along), face.height - dot(face.normal, from));
}

}  // namespace

double Pillar::radius_at(double z) const {
  const double to_end = half_height - std::abs(z);
  if (to_end < 0) return 0;
  return to_end < tip ? radius * to_end / tip : radius;
}

Crossing crossing(const Solid& solid, const Ray& ray) {
  Crossing inside{-endless, endless};
  const Point from = ray.from - solid.centre;
  std::visit([&](const auto& shape) { clip(inside, shape, from, ray.along); }, solid.shape);
  return inside.leave > inside.enter ? inside : Crossing{};
}

Solid pillar(const Point& centre, double radius, double height, double tip) {
  return {centre, Pillar{radius, height / 2, tip}, std::hypot(radius, height / 2), height / 2};
}

Solid ellipsoid(const Point& centre, const std::array<double, 3>& half_axes, const Axes& axes) {
  const double reach = std::ranges::max(half_axes);
  return {centre, Ellipsoid{half_axes, axes}, reach, reach};
}

Solid box(const Point& centre, const std::array<double, 3>& half_edges, const Axes& axes) {
  Polyhedron p;
  for (std::size_t i = 0; i < 3; ++i) {
    p.faces.push_back({axes[i], half_edges[i]});
    p.faces.push_back({-1.0 * axes[i], half_edges[i]});
  }
  const double reach = std::hypot(half_edges[0], half_edges[1], half_edges[2]);
  return {centre, std::move(p), reach, reach};
}

Solid octahedron(const Point& centre, double radius, double cut, const Axes& axes) {
  Polyhedron p;
  const double root = std::sqrt(3.0);
  for (double a : {-1.0, 1.0}) {
    for (double b : {-1.0, 1.0}) {
      for (double c : {-1.0, 1.0}) {
        p.faces.push_back({1 / root * (a * axes[0] + b * axes[1] + c * axes[2]), radius / root});
      }
    }
  }
  for (const Point& axis : axes) {
    p.faces.push_back({axis, cut * radius});
    p.faces.push_back({-1.0 * axis, cut * radius});
  }
  return {centre, std::move(p), radius, radius};
}

}  // namespace ptychoflow::ptycho
