// Least squares with a handful of unknowns.
#pragma once

#include <array>
#include <cmath>
#include <utility>

namespace ptychoflow::tomo {

/// The N coefficients that bring Σ w·(value − Σ coefficient·base)² to its minimum, from its normal equations.
template <std::size_t N>
class LeastSquares {
 public:
  void add(const std::array<double, N>& base, double value, double weight = 1) {
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t j = 0; j < N; ++j) rows_[i][j] += weight * base[i] * base[j];
      rows_[i][N] += weight * base[i] * value;
    }
  }

  /// By elimination with pivots. A coefficient that the data do not decide is 0.
  std::array<double, N> solve() const {
    auto m = rows_;
    std::array<double, N> scale{};
    for (std::size_t i = 0; i < N; ++i) scale[i] = std::sqrt(m[i][i]);
    for (std::size_t i = 0; i < N; ++i) {
      if (scale[i] == 0) continue;
      for (std::size_t j = 0; j <= N; ++j) m[i][j] /= scale[i] * (j < N && scale[j] > 0 ? scale[j] : 1);
    }
    std::array<bool, N> used{};
    for (std::size_t step = 0; step < N; ++step) {
      std::size_t pivot = N;
      for (std::size_t i = 0; i < N; ++i) {
        if (!used[i] && (pivot == N || std::abs(m[i][i]) > std::abs(m[pivot][pivot]))) pivot = i;
      }
      used[pivot] = true;
      if (std::abs(m[pivot][pivot]) < 1e-12) {
        m[pivot] = {};
        continue;
      }
      for (std::size_t i = 0; i < N; ++i) {
        if (i == pivot) continue;
        const double factor = m[i][pivot] / m[pivot][pivot];
        for (std::size_t j = 0; j <= N; ++j) m[i][j] -= factor * m[pivot][j];
      }
    }
    std::array<double, N> found{};
    for (std::size_t i = 0; i < N; ++i) {
      if (m[i][i] != 0 && scale[i] > 0) found[i] = m[i][N] / m[i][i] / scale[i];
    }
    return found;
  }

 private:
  std::array<std::array<double, N + 1>, N> rows_{};
};

}  // namespace ptychoflow::tomo
