// Convex bodies that a straight ray crosses in closed form.
#pragma once

#include <array>
#include <variant>
#include <vector>

namespace ptychoflow::ptycho {

/// A place or a direction in the specimen: u and v across the rotation axis, z along it.
struct Point {
  double u = 0;
  double v = 0;
  double z = 0;

  friend Point operator+(const Point& a, const Point& b) { return {a.u + b.u, a.v + b.v, a.z + b.z}; }
  friend Point operator-(const Point& a, const Point& b) { return {a.u - b.u, a.v - b.v, a.z - b.z}; }
  friend Point operator*(double s, const Point& a) { return {s * a.u, s * a.v, s * a.z}; }
  friend double dot(const Point& a, const Point& b) { return a.u * b.u + a.v * b.v + a.z * b.z; }
};

/// Three directions at right angles to each other, each of length 1: the axes of a body that has been turned.
using Axes = std::array<Point, 3>;

struct Ray {
  Point from;
  Point along;  ///< of length 1
};

/// Part of a ray that is inside of a body, as distances from the ray's first point.
struct Crossing {
  double enter = 0;
  double leave = 0;  ///< not before `enter`
  double length() const { return leave - enter; }
};

/// A cylinder along z whose ends are cones, or flat where `tip` is 0. Rays cross it at right angles to z.
struct Pillar {
  double radius = 0;
  double half_height = 0;  ///< tips included
  double tip = 0;          ///< length of each cone

  /// Of the disc at this height above its centre; 0 above and below it.
  double radius_at(double z) const;
};

struct Ellipsoid {
  std::array<double, 3> half_axes{};
  Axes axes{};
};

/// Where all of its half spaces overlap; they must enclose a finite body.
struct Polyhedron {
  struct Face {
    Point normal;       ///< outwards, of length 1
    double height = 0;  ///< distance from the body's centre
  };
  std::vector<Face> faces;
};

struct Solid {
  Point centre;
  std::variant<Pillar, Ellipsoid, Polyhedron> shape;
  double reach = 0;  ///< radius of a sphere about the centre that holds all of it
  double rise = 0;   ///< nothing of it is farther than this above or below the centre
};

Solid pillar(const Point& centre, double radius, double height, double tip);
Solid ellipsoid(const Point& centre, const std::array<double, 3>& half_axes, const Axes& axes);

/// A box with these half edges.
Solid box(const Point& centre, const std::array<double, 3>& half_edges, const Axes& axes);

/// A regular octahedron whose corners are `radius` from its centre, and are cut off at `cut` of that; 1 leaves them.
Solid octahedron(const Point& centre, double radius, double cut, const Axes& axes);

/// The chord; of length 0 where the ray misses the body.
Crossing crossing(const Solid& solid, const Ray& ray);

}  // namespace ptychoflow::ptycho
