#include "core/ptycho/hermitian.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace ptychoflow {
namespace {

using C = Complex<double>;
using Matrix = device::Array<C, 2>;

Matrix random_hermitian(Index n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Matrix a({n, n});
  for (Index i = 0; i < n; ++i) {
    a(i, i) = {normal(random), 0};
    for (Index j = i + 1; j < n; ++j) {
      a(i, j) = {normal(random), normal(random)};
      a(j, i) = conj(a(i, j));
    }
  }
  return a;
}

/// Largest |A·V − V·diag| and |Vᴴ·V − 1|.
double defect(const Matrix& a, const HermitianEigen& e) {
  const Index n = a.extent(0);
  double worst = 0;
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      C av{}, vv{};
      for (Index k = 0; k < n; ++k) {
        av += a(i, k) * e.vectors(k, j);
        vv += conj(e.vectors(k, i)) * e.vectors(k, j);
      }
      av -= e.values[static_cast<std::size_t>(j)] * e.vectors(i, j);
      vv -= C{i == j ? 1.0 : 0.0, 0};
      worst = std::max({worst, abs(av), abs(vv)});
    }
  }
  return worst;
}

TEST(Hermitian, TwoByTwoWithAnImaginaryElement) {
  Matrix a({2, 2});
  a(0, 0) = a(1, 1) = {2, 0};
  a(0, 1) = {0, 1};
  a(1, 0) = {0, -1};
  const HermitianEigen e = eigen_hermitian(a);
  EXPECT_NEAR(e.values[0], 3, 1e-15);
  EXPECT_NEAR(e.values[1], 1, 1e-15);
  EXPECT_LT(defect(a, e), 1e-15);
}

TEST(Hermitian, DiagonalMatrixIsSorted) {
  Matrix a({3, 3});
  a(0, 0) = {1, 0};
  a(1, 1) = {-2, 0};
  a(2, 2) = {5, 0};
  const HermitianEigen e = eigen_hermitian(a);
  EXPECT_EQ(e.values, (std::vector<double>{5, 1, -2}));
  EXPECT_EQ(abs(e.vectors(2, 0)), 1);
}

TEST(Hermitian, RandomMatricesAreDiagonalisedToRounding) {
  for (const Index n : {1, 2, 3, 5, 12}) {
    const Matrix a = random_hermitian(n, static_cast<unsigned>(n));
    EXPECT_LT(defect(a, eigen_hermitian(a)), 1e-13) << n;
  }
}

TEST(Hermitian, ScaleOfPhotonCountsKeepsRelativeAccuracy) {
  Matrix a = random_hermitian(4, 7);
  for (C& v : a) v *= 1e12;
  EXPECT_LT(defect(a, eigen_hermitian(a)), 1e-13 * 1e12);
}

TEST(Hermitian, RepeatedEigenvaluesAndZero) {
  Matrix zero({3, 3});
  EXPECT_EQ(eigen_hermitian(zero).values, (std::vector<double>{0, 0, 0}));
  Matrix ones({2, 2});
  for (C& v : ones) v = {1, 0};
  EXPECT_NEAR(eigen_hermitian(ones).values[0], 2, 1e-15);
  EXPECT_NEAR(eigen_hermitian(ones).values[1], 0, 1e-15);
}

TEST(Hermitian, RefusesWhatIsNotSquareOrNotFinite) {
  EXPECT_THROW(eigen_hermitian(Matrix({2, 3})), Error);
  Matrix nan({1, 1});
  nan(0, 0) = {std::numeric_limits<double>::quiet_NaN(), 0};
  EXPECT_THROW(eigen_hermitian(nan), Error);
}

TEST(OverlapMatrix, OfTwoModes) {
  device::Array<Complex<float>, 3> modes({2, 1, 2});
  modes(0, 0, 0) = {1, 0};
  modes(0, 0, 1) = {0, 2};
  modes(1, 0, 0) = {0, 1};
  modes(1, 0, 1) = {3, 0};
  const auto g = overlap_matrix<float>(modes);
  EXPECT_EQ(g(0, 0), (C{5, 0}));
  EXPECT_EQ(g(1, 1), (C{10, 0}));
  EXPECT_EQ(g(0, 1), (C{0, 5}));  // 1·(−i) + 2i·3
  EXPECT_EQ(g(1, 0), (C{0, -5}));
}

}  // namespace
}  // namespace ptychoflow
