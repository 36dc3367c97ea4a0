// The loops over strips, on every instruction set that this processor has, against the operators one pixel at a time.
#include "core/ptycho/strips.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "core/device/array.hpp"
#include "core/ptycho/operators.hpp"

namespace ptychoflow::ptycho {
namespace {

using device::Simd;

template <class T>
class Strips : public ::testing::Test {
 public:
  static constexpr Index lanes = device::strip_lanes<T>, row = device::strip_row<T>, rows = 5, width = 45;
  static constexpr double tolerance = std::is_same_v<T, float> ? 2e-6 : 4e-15;

  using Strip = device::Array<T, 2>;  ///< [row][re/im, lane]

  Strip probe = random({rows, row}), psi = random({rows, row}), delta = random({rows, row});
  device::Array<T, 4> object = random_image(), sum = random_image();
  strips::Planar<const T> o = strips::planar(std::as_const(object).view(), 1, {2, 7});
  const T pull = T(0.7);

  template <class Body>
  static void on_every_instruction_set(const Body& body) {
    for (const Simd simd : {Simd::portable, Simd::avx2, Simd::avx512}) {
      if (simd > device::best_simd()) continue;
      SCOPED_TRACE(static_cast<int>(simd));
      body(strips::loops<T>(simd));
    }
  }

  /// Calls body(row, lane).
  template <class Body>
  static void for_pixels(const Body& body) {
    for (Index y = 0; y < rows; ++y) {
      for (Index x = 0; x < lanes; ++x) body(y, x);
    }
  }

  static Complex<T> at(const Strip& strip, Index y, Index x) { return {strip(y, x), strip(y, lanes + x)}; }
  Complex<T> object_at(Index y, Index x) const { return {object(1, 2 + y, 0, 7 + x), object(1, 2 + y, 1, 7 + x)}; }

  static void expect_near(Complex<T> found, Complex<T> expected) {
    EXPECT_NEAR(found.re, expected.re, tolerance);
    EXPECT_NEAR(found.im, expected.im, tolerance);
  }

  static Strip copy(const Strip& strip) { return Strip::copy_of(strip.view()); }

 private:
  static Strip random(Extents<2> extents) {
    Strip strip(extents);
    fill(strip.data(), strip.size());
    return strip;
  }
  static device::Array<T, 4> random_image() {
    device::Array<T, 4> image({2, 9, 2, width});
    fill(image.data(), image.size());
    return image;
  }
  static void fill(T* data, Index count) {
    static std::mt19937 generator(7);
    std::uniform_real_distribution<T> unit(-1, 1);
    std::generate_n(data, count, [&] { return unit(generator); });
  }
};

using Precisions = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Strips, Precisions);

TYPED_TEST(Strips, FormTheWaves) {
  this->on_every_instruction_set([&](const strips::Loops<TypeParam>& loops) {
    auto wave = this->copy(this->psi);
    loops.multiply(wave.data(), this->probe.data(), this->o, this->rows);
    this->for_pixels([&](Index y, Index x) {
      this->expect_near(this->at(wave, y, x), this->at(this->probe, y, x) * this->object_at(y, x));
    });
    const double found = loops.reflect(wave.data(), this->probe.data(), this->o, this->psi.data(), this->rows);
    double expected = 0;
    this->for_pixels([&](Index y, Index x) {
      const auto po = this->at(this->probe, y, x) * this->object_at(y, x), old = this->at(this->psi, y, x);
      this->expect_near(this->at(wave, y, x), op::reflected_wave(po, old));
      expected += static_cast<double>(op::step_when_reflected(po, old));
    });
    EXPECT_NEAR(found, expected, 10 * this->tolerance * expected);
  });
}

TYPED_TEST(Strips, UpdateExitWavesAndTheNumeratorOfTheObject) {
  using T = TypeParam;
  this->on_every_instruction_set([&](const strips::Loops<T>& loops) {
    for (const T beta : {T(1), T(0.8)}) {
      auto updated = this->copy(this->psi);
      auto total = device::Array<T, 4>::copy_of(this->sum.view());
      const ChangeSums found = loops.update(updated.data(), this->delta.data(), this->probe.data(), this->o, beta,
                                            this->pull, {strips::planar(total.view(), 1, {2, 7})}, this->rows);
      ChangeSums expected;
      double terms = 0;
      this->for_pixels([&](Index y, Index x) {
        const auto p = this->at(this->probe, y, x), po = p * this->object_at(y, x);
        const auto d = this->pull * this->at(this->delta, y, x);
        const auto moved = op::updated_exit_wave(this->at(this->psi, y, x), po + d, beta);
        this->expect_near(this->at(updated, y, x), moved);
        const Complex<T> before{this->sum(1, 2 + y, 0, 7 + x), this->sum(1, 2 + y, 1, 7 + x)};
        this->expect_near({total(1, 2 + y, 0, 7 + x), total(1, 2 + y, 1, 7 + x)}, before + op::overlap_term(p, moved));
        const auto change = static_cast<double>(op::step_when_updated(po, d));
        expected += {change, static_cast<double>(norm(moved))};
        terms += std::abs(change);
      });
      EXPECT_NEAR(found.change, expected.change, 10 * this->tolerance * terms);
      EXPECT_NEAR(found.norm, expected.norm, 10 * this->tolerance * expected.norm);
      EXPECT_EQ(total(0, 3, 0, 8), this->sum(0, 3, 0, 8)) << "another mode";
      EXPECT_EQ(total(1, 3, 0, 6), this->sum(1, 3, 0, 6)) << "left of the strip";

      auto alike = this->copy(this->psi);
      loops.update(alike.data(), this->delta.data(), this->probe.data(), this->o, beta, this->pull, {}, this->rows);
      EXPECT_TRUE(std::equal(alike.begin(), alike.end(), updated.begin())) << "without a numerator";
    }
  });
}

TYPED_TEST(Strips, CompareAndReplaceMagnitudes) {
  using T = TypeParam;
  const Index height = this->rows;
  const std::vector<Index> order{2, 0, 4, 1, 3};
  device::Array<T, 2> measured({height, this->lanes});
  this->for_pixels([&](Index y, Index x) { measured(y, x) = (y + x) % 4 == 0 ? T(-1) : T(y) + T(x) / 8; });
  this->on_every_instruction_set([&](const strips::Loops<T>& loops) {
    device::Array<T, 2> model({height, this->lanes});
    model(0, 0) = 1;
    loops.add_norm(model.data(), this->psi.data(), height);
    strips::Deviation expected;
    device::Array<T, 2> magnitude({height, this->lanes});
    this->for_pixels([&](Index y, Index x) {
      magnitude(y, x) = std::sqrt(norm(this->at(this->psi, y, x)) + (y == 0 && x == 0 ? T(1) : T(0))) * T(0.5);
      const T a = measured(order[static_cast<std::size_t>(y)], x), d = magnitude(y, x) - a;
      const auto step = static_cast<double>(op::step_at_detector(magnitude(y, x), a));
      if (a >= 0) expected += {{static_cast<double>(d * d), static_cast<double>(a * a)}, 1, step};
    });
    const strips::Deviation found = loops.compare(model.data(), measured.data(), order.data(), T(0.5), height);
    EXPECT_NEAR(found.fit.misfit, expected.fit.misfit, 10 * this->tolerance * expected.fit.misfit);
    EXPECT_NEAR(found.fit.measured, expected.fit.measured, 10 * this->tolerance * expected.fit.measured);
    EXPECT_EQ(found.measured_pixels, expected.measured_pixels);
    EXPECT_NEAR(found.step, expected.step, 10 * this->tolerance * expected.fit.measured);

    loops.modulus_change(model.data(), measured.data(), order.data(), T(2), height);
    auto wave = this->copy(this->psi);
    loops.scale(wave.data(), model.data(), height);
    this->for_pixels([&](Index y, Index x) {
      const T factor = T(2) * op::modulus_change(magnitude(y, x), measured(order[static_cast<std::size_t>(y)], x));
      EXPECT_NEAR(model(y, x), factor, 10 * this->tolerance * (2 + std::abs(factor)));
      EXPECT_EQ(this->at(wave, y, x), model(y, x) * this->at(this->psi, y, x));
    });
  });
}

TYPED_TEST(Strips, AddOverlapTerms) {
  using T = TypeParam;
  this->on_every_instruction_set([&](const strips::Loops<T>& loops) {
    auto total = this->copy(this->delta);
    loops.add_overlap_term({strips::planar(total.data())}, this->o, this->psi.data(), this->rows);
    this->for_pixels([&](Index y, Index x) {
      this->expect_near(this->at(total, y, x), this->at(this->delta, y, x) +
                                                   op::overlap_term(this->object_at(y, x), this->at(this->psi, y, x)));
    });
  });
}

TYPED_TEST(Strips, AddTermsAsWholeNumbers) {
  using T = TypeParam;
  constexpr double scale = 0x1p40;
  this->on_every_instruction_set([&](const strips::Loops<T>& loops) {
    device::Array<std::int64_t, 2> total({this->rows, this->row}), on_the_way({this->rows, this->row});
    double largest = 0, largest_on_the_way = 0;
    total(1, 2) = 5;
    loops.add_whole_overlap_term({strips::planar(total.data(), this->lanes), scale, &largest}, this->o,
                                 this->psi.data(), this->rows);
    auto updated = this->copy(this->psi);
    loops.update_whole(updated.data(), this->delta.data(), this->probe.data(), this->o, T(1), this->pull,
                       {strips::planar(on_the_way.data(), this->lanes), scale, &largest_on_the_way}, this->rows);
    double expected_largest = 0;
    this->for_pixels([&](Index y, Index x) {
      const auto term = op::overlap_term(this->object_at(y, x), this->at(this->psi, y, x));
      const double before = y == 1 && x == 2 ? 5 : 0, unit = this->tolerance * scale + 0.51;
      EXPECT_NEAR(static_cast<double>(total(y, x)), before + static_cast<double>(term.re) * scale, unit);
      EXPECT_NEAR(static_cast<double>(total(y, this->lanes + x)), static_cast<double>(term.im) * scale, unit);
      const auto later = op::overlap_term(this->at(this->probe, y, x), this->at(updated, y, x));
      EXPECT_NEAR(static_cast<double>(on_the_way(y, x)), static_cast<double>(later.re) * scale, unit);
      for (const T part : {term.re, term.im})
        expected_largest = std::max(expected_largest, std::abs(static_cast<double>(part)) * scale);
    });
    EXPECT_NEAR(largest, expected_largest, this->tolerance * scale + 0.51);
    EXPECT_GT(largest_on_the_way, 0);
  });
}

}  // namespace
}  // namespace ptychoflow::ptycho
