#include "core/phase/least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/device/dct.hpp"

namespace ptychoflow::phase {
namespace {

using Field = device::Array<double, 2>;

/// Of a step that counts: the iterations needed grow with the range of the weights.
constexpr double smallest_weight = 0.01;

/// Steps to the right neighbour and to the one below, or the weights of such steps; 0 where there is no neighbour.
struct Steps {
  Field right;
  Field down;
  explicit Steps(Extents<2> extents) : right(extents), down(extents) {}
};

Steps step_weights(MapView weight) {
  Steps w(weight.extents());
  const auto of = [](float a, float b) {
    const auto least = static_cast<double>(std::min(a, b));
    return least > 0 ? std::max(least, smallest_weight) : 0.0;
  };
  for (Index y = 0; y < weight.extent(0); ++y) {
    for (Index x = 0; x < weight.extent(1); ++x) {
      if (x + 1 < weight.extent(1)) w.right(y, x) = of(weight(y, x), weight(y, x + 1));
      if (y + 1 < weight.extent(0)) w.down(y, x) = of(weight(y, x), weight(y + 1, x));
    }
  }
  return w;
}

/// −div of weighted steps, which is `of(i, j)` from pixel i to its neighbour j, in `out`. Steps without weight are not
/// asked for.
template <class F>
void minus_divergence(const Steps& weights, Field& out, F&& of) {
  const Index ny = out.extent(0), nx = out.extent(1);
  const double *right = weights.right.data(), *down = weights.down.data();
  double* q = out.data();
  std::fill(out.begin(), out.end(), 0.0);
  for (Index y = 0; y < ny; ++y) {
    const Index row = y * nx;
    for (Index i = row; i + 1 < row + nx; ++i) {
      if (!(right[i] > 0)) continue;
      const double flow = right[i] * of(i, i + 1);
      q[i] -= flow;
      q[i + 1] += flow;
    }
    if (y + 1 == ny) break;
    for (Index i = row; i < row + nx; ++i) {
      if (!(down[i] > 0)) continue;
      const double flow = down[i] * of(i, i + nx);
      q[i] -= flow;
      q[i + nx] += flow;
    }
  }
}

double dot(const Field& a, const Field& b) {
  double sum = 0;
  for (Index i = 0; i < a.size(); ++i) sum += a.data()[i] * b.data()[i];
  return sum;
}

/// The unweighted problem: its solution by cosine transforms.
class Poisson {
 public:
  explicit Poisson(Extents<2> extents) : dct_(extents[0], extents[1]), inverse_(extents) {
    const auto curvature = [](Index q, Index n) {
      return 2 - 2 * std::cos(pi * static_cast<double>(q) / static_cast<double>(n));
    };
    std::vector<double> of_x;
    for (Index qx = 0; qx < extents[1]; ++qx) of_x.push_back(curvature(qx, extents[1]));
    const double norm = 4 * static_cast<double>(inverse_.size());
    for (Index qy = 0; qy < extents[0]; ++qy) {
      const double of_y = curvature(qy, extents[0]);
      for (Index qx = 0; qx < extents[1]; ++qx) {
        if (qy + qx > 0) inverse_(qy, qx) = 1 / (norm * (of_y + of_x[static_cast<std::size_t>(qx)]));
      }
    }
  }

  /// `out` of mean 0 with −div grad out = r
  void solve(const Field& r, Field& out) const {
    std::copy(r.begin(), r.end(), out.begin());
    dct_.forward(out.data());
    for (Index i = 0; i < out.size(); ++i) out.data()[i] *= inverse_.data()[i];
    dct_.inverse(out.data());
  }

 private:
  device::Dct2d dct_;
  Field inverse_;
};

/// Conjugate gradients from 0: −div(w grad solution) = `residual`, which is used up.
Field solve_weighted(const Steps& weights, const Poisson& poisson, Field residual) {
  constexpr int most_iterations = 40;
  constexpr double smallest_change_rad = 0.03;  // rounding to turns forgives much more
  const Extents<2> extents = residual.extents();
  Field solution(extents), direction(extents), z = Field::uninitialized(extents), q = Field::uninitialized(extents);
  double before = 0;
  for (int k = 0; k < most_iterations; ++k) {
    poisson.solve(residual, z);
    const double now = dot(residual, z);
    if (!(now > 0)) break;
    const double keep = k == 0 ? 0 : now / before;
    before = now;
    double* p = direction.data();
    for (Index i = 0; i < direction.size(); ++i) p[i] = z.data()[i] + keep * p[i];
    minus_divergence(weights, q, [p](Index i, Index j) { return p[j] - p[i]; });
    const double curvature = dot(direction, q);
    if (!(curvature > 0)) break;
    const double step = now / curvature;
    double largest = 0;
    for (Index i = 0; i < solution.size(); ++i) {
      solution.data()[i] += step * p[i];
      residual.data()[i] -= step * q.data()[i];
      largest = std::max(largest, std::abs(p[i]));
    }
    if (std::abs(step) * largest < smallest_change_rad) break;
  }
  return solution;
}

/// Adds what makes `phase` agree best with `wrapped` modulo 2π: the mean phase of their difference.
void match_offset(Field& phase, MapView wrapped, MapView weight) {
  double re = 0, im = 0;
  for (Index i = 0; i < phase.size(); ++i) {
    const auto w = static_cast<double>(weight.data()[i]);
    if (!(w > 0)) continue;
    const double difference = static_cast<double>(wrapped.data()[i]) - phase.data()[i];
    re += w * std::cos(difference);
    im += w * std::sin(difference);
  }
  const double offset = std::atan2(im, re);
  for (double& p : phase) p += offset;
}

}  // namespace

Map unwrap_least_squares(MapView wrapped_rad, MapView weight) {
  expect(wrapped_rad.extents() == weight.extents(), "unwrap_least_squares was given maps of different extents");
  const Extents<2> extents = wrapped_rad.extents();
  const Steps weights = step_weights(weight);
  const Poisson poisson(extents);
  Map left = Map::copy_of(wrapped_rad), result = Map::copy_of(wrapped_rad);
  Field right_side = Field::uninitialized(extents);
  constexpr int most_rounds = 3;
  for (int round = 0; round < most_rounds; ++round) {
    const float* at = left.data();
    bool turned = false;
    minus_divergence(weights, right_side, [at, &turned](Index i, Index j) {
      const float step = at[j] - at[i];
      turned |= turns(step) != 0;
      return static_cast<double>(shortest(step));
    });
    if (!turned) break;
    Field phase = solve_weighted(weights, poisson, std::move(right_side));
    match_offset(phase, left, weight);
    for (Index i = 0; i < result.size(); ++i) {
      const double turn = std::round((phase.data()[i] - static_cast<double>(left.data()[i])) / turn_rad);
      result.data()[i] = static_cast<float>(static_cast<double>(result.data()[i]) + turn * turn_rad);
      left.data()[i] = static_cast<float>(static_cast<double>(left.data()[i]) + turn * turn_rad - phase.data()[i]);
    }
    right_side = Field::uninitialized(extents);
  }
  return result;
}

}  // namespace ptychoflow::phase
