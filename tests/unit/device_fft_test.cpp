#include "core/device/fft.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <thread>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/device/array.hpp"

namespace ptychoflow::device {
namespace {

template <class T>
class Fft : public ::testing::Test {};
using Precisions = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Fft, Precisions);

template <class T>
Array<Complex<T>, 2> random_array(Index ny, Index nx) {
  Array<Complex<T>, 2> a({ny, nx});
  std::mt19937 random(3);
  std::uniform_real_distribution<T> unit(-1, 1);
  for (auto& v : a) v = {unit(random), unit(random)};
  return a;
}

TYPED_TEST(Fft, IsTheSumWithKernelMinusI) {
  using T = TypeParam;
  for (const auto& [ny, nx] : {std::pair<Index, Index>{5, 7}, {8, 6}, {1, 9}}) {
    const auto a = random_array<T>(ny, nx);
    auto f = Array<Complex<T>, 2>::copy_of(a);
    Fft2d<T>(ny, nx).forward(f.data());
    for (Index qy = 0; qy < ny; ++qy) {
      for (Index qx = 0; qx < nx; ++qx) {
        Complex<double> sum{};
        for (Index y = 0; y < ny; ++y) {
          for (Index x = 0; x < nx; ++x) {
            const double turn = static_cast<double>(qy * y) / static_cast<double>(ny) +
                                static_cast<double>(qx * x) / static_cast<double>(nx);
            sum += Complex<double>{a(y, x).re, a(y, x).im} * polar(1.0, -2 * pi * turn);
          }
        }
        EXPECT_NEAR(f(qy, qx).re, sum.re, 1e-5);
        EXPECT_NEAR(f(qy, qx).im, sum.im, 1e-5);
      }
    }
  }
}

TYPED_TEST(Fft, InverseUndoesForwardTimesTheSize) {
  using T = TypeParam;
  const Fft2d<T> fft(12, 10);
  const auto a = random_array<T>(12, 10);
  auto b = Array<Complex<T>, 2>::copy_of(a);
  fft.forward(b.data());
  fft.inverse(b.data());
  for (Index i = 0; i < a.size(); ++i) EXPECT_NEAR(b.data()[i].re / 120, a.data()[i].re, 1e-5);
}

TYPED_TEST(Fft, OneObjectServesManyThreads) {
  using T = TypeParam;
  const Fft2d<T> fft(16, 16);
  auto expected = random_array<T>(16, 16);
  fft.forward(expected.data());
  std::vector<Array<Complex<T>, 2>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([&] {
      result = random_array<T>(16, 16);
      fft.forward(result.data());
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_TRUE(std::equal(result.begin(), result.end(), expected.begin()));
}

TYPED_TEST(Fft, UnalignedDataIsRefused) {
  using T = TypeParam;
  const Fft2d<T> fft(4, 4);
  Array<T, 1> storage({64});
  EXPECT_THROW(fft.forward(reinterpret_cast<Complex<T>*>(storage.data() + 1)), Error);
}

}  // namespace
}  // namespace ptychoflow::device
