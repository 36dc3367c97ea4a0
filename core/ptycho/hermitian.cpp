#include "core/ptycho/hermitian.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace ptychoflow {
namespace {

using Matrix = device::Array<Complex<double>, 2>;

/// The unitary 2×2 rotation that brings element (p, q) of a Hermitian matrix to zero:
/// column p ← c·p − s·conj(w)·q, column q ← s·p + c·conj(w)·q, where w is the element's phase factor.
struct Rotation {
  double c, s;
  Complex<double> w;
};

Rotation annihilate(double a_pp, double a_qq, Complex<double> a_pq) {
  const double size = abs(a_pq);
  const double theta = (a_qq - a_pp) / (2 * size);
  const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::hypot(theta, 1.0));
  const double c = 1 / std::hypot(t, 1.0);
  return {c, t * c, a_pq / size};
}

void rotate_columns(Matrix& m, Index p, Index q, const Rotation& r) {
  for (Index i = 0; i < m.extent(0); ++i) {
    const Complex<double> a = m(i, p), b = conj(r.w) * m(i, q);
    m(i, p) = r.c * a - r.s * b;
    m(i, q) = r.s * a + r.c * b;
  }
}

void rotate_rows(Matrix& m, Index p, Index q, const Rotation& r) {
  for (Index i = 0; i < m.extent(1); ++i) {
    const Complex<double> a = m(p, i), b = r.w * m(q, i);
    m(p, i) = r.c * a - r.s * b;
    m(q, i) = r.s * a + r.c * b;
  }
}

Matrix hermitian_part(View<const Complex<double>, 2> matrix) {
  const Index n = matrix.extent(0);
  expect(matrix.extent(1) == n, "eigen_hermitian was given a matrix that is not square");
  Matrix a({n, n});
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      expect(std::isfinite(norm(matrix(i, j))), "eigen_hermitian was given an element that is not finite");
      a(i, j) = 0.5 * (matrix(i, j) + conj(matrix(j, i)));
    }
  }
  return a;
}

double norm2_above_diagonal(const Matrix& a) {
  double sum = 0;
  for (Index p = 0; p < a.extent(0); ++p) {
    for (Index q = p + 1; q < a.extent(0); ++q) sum += norm(a(p, q));
  }
  return sum;
}

}  // namespace

HermitianEigen eigen_hermitian(View<const Complex<double>, 2> matrix) {
  Matrix a = hermitian_part(matrix);
  const Index n = a.extent(0);
  Matrix v({n, n});
  for (Index i = 0; i < n; ++i) v(i, i) = {1, 0};

  const double total =
      std::accumulate(a.begin(), a.end(), 0.0, [](double s, Complex<double> x) { return s + norm(x); });
  const double negligible =
      total * std::numeric_limits<double>::epsilon() * std::numeric_limits<double>::epsilon() / 16;
  constexpr int sweep_limit = 60;  // quadratic convergence: some six are enough
  for (int sweep = 0; sweep < sweep_limit && norm2_above_diagonal(a) > negligible; ++sweep) {
    for (Index p = 0; p < n; ++p) {
      for (Index q = p + 1; q < n; ++q) {
        if (norm(a(p, q)) <= std::numeric_limits<double>::min()) continue;  // its phase would not be defined
        const Rotation r = annihilate(a(p, p).re, a(q, q).re, a(p, q));
        rotate_columns(a, p, q, r);
        rotate_rows(a, p, q, r);
        rotate_columns(v, p, q, r);
        a(p, q) = a(q, p) = {};
        a(p, p).im = a(q, q).im = 0;
      }
    }
  }

  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index i, Index j) { return a(i, i).re > a(j, j).re; });
  HermitianEigen result{{}, Matrix({n, n})};
  for (Index column = 0; column < n; ++column) {
    const Index from = order[static_cast<std::size_t>(column)];
    result.values.push_back(a(from, from).re);
    for (Index row = 0; row < n; ++row) result.vectors(row, column) = v(row, from);
  }
  return result;
}

template <class T>
Matrix overlap_matrix(View<const Complex<T>, 3> modes) {
  const Index n = modes.extent(0);
  Matrix g({n, n});
  for (Index k = 0; k < n; ++k) {
    for (Index l = k; l < n; ++l) {
      const auto a = modes[k], b = modes[l];
      Complex<double> sum{};
      for (Index i = 0; i < a.size(); ++i) {
        const Complex<double> x{a.data()[i].re, a.data()[i].im}, y{b.data()[i].re, b.data()[i].im};
        sum += x * conj(y);
      }
      g(k, l) = sum;
      g(l, k) = conj(sum);
    }
  }
  return g;
}

template Matrix overlap_matrix(View<const Complex<float>, 3>);
template Matrix overlap_matrix(View<const Complex<double>, 3>);

}  // namespace ptychoflow
