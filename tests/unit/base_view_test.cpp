#include "core/base/view.hpp"

#include <gtest/gtest.h>

#include "core/device/array.hpp"

namespace ptychoflow {
namespace {

TEST(View, IndexesRowMajorSlowestFirst) {
  int data[6] = {0, 1, 2, 3, 4, 5};
  const View<int, 2> v(data, {2, 3});
  EXPECT_EQ(v(1, 0), 3);
  EXPECT_EQ(v[1][2], 5);
  EXPECT_EQ(v.size(), 6);
}

TEST(View, OfMutableElementsIsAlsoOneOfConstantElements) {
  int data[2] = {7, 8};
  const View<const int, 1> v = View<int, 1>(data, {2});
  EXPECT_EQ(v[1], 8);
}

TEST(Array, StartsAtZeroAlignedAndMoves) {
  device::Array<float, 2> a({3, 5});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.data()) % 64, 0u);
  EXPECT_EQ(a(2, 4), 0.0f);
  a(1, 1) = 4;
  const device::Array<float, 2> b = std::move(a);
  EXPECT_EQ(b(1, 1), 4.0f);
  EXPECT_TRUE(a.empty());
}

}  // namespace
}  // namespace ptychoflow
