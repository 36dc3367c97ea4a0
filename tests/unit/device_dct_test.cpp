#include "core/device/dct.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/base/units.hpp"
#include "core/device/array.hpp"

namespace ptychoflow::device {
namespace {

TEST(Dct, IsTheSumOfCosines) {
  for (const auto& [ny, nx] : {std::pair<Index, Index>{5, 7}, {8, 6}, {1, 9}}) {
    Array<double, 2> a({ny, nx});
    std::mt19937 random(3);
    std::uniform_real_distribution<double> unit(-1, 1);
    for (double& v : a) v = unit(random);
    auto f = Array<double, 2>::copy_of(a);
    const Dct2d dct(ny, nx);
    EXPECT_EQ(dct.ny(), ny);
    EXPECT_EQ(dct.nx(), nx);
    dct.forward(f.data());
    const auto cosine = [](Index q, Index i, Index n) {
      return std::cos(pi * static_cast<double>(q) * (static_cast<double>(i) + 0.5) / static_cast<double>(n));
    };
    for (Index qy = 0; qy < ny; ++qy) {
      for (Index qx = 0; qx < nx; ++qx) {
        double sum = 0;
        for (Index y = 0; y < ny; ++y) {
          for (Index x = 0; x < nx; ++x) sum += 4 * a(y, x) * cosine(qy, y, ny) * cosine(qx, x, nx);
        }
        EXPECT_NEAR(f(qy, qx), sum, 1e-12);  // a few hundred roundings of numbers near 1
      }
    }
    dct.inverse(f.data());
    for (Index i = 0; i < a.size(); ++i) {
      EXPECT_NEAR(f.data()[i], 4 * static_cast<double>(a.size()) * a.data()[i], 1e-10);
    }
  }
}

}  // namespace
}  // namespace ptychoflow::device
