#include "core/phase/unwrap.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/phase/least_squares.hpp"
#include "core/phase/quality_guided.hpp"
#include "core/phase/residues.hpp"

namespace ptychoflow::phase {
namespace {

float wrapped(double phase_rad) { return static_cast<float>(std::remainder(phase_rad, turn_rad)); }

template <class F>
Map map_of(Extents<2> extents, F&& of) {
  Map m(extents);
  for (Index y = 0; y < extents[0]; ++y) {
    for (Index x = 0; x < extents[1]; ++x)
      m(y, x) = static_cast<float>(of(static_cast<double>(y), static_cast<double>(x)));
  }
  return m;
}

Map filled(Extents<2> extents, float value) {
  return map_of(extents, [value](double, double) { return value; });
}

Map wrap_all(const Map& phase) {
  Map w = Map::copy_of(phase);
  for (float& p : w) p = wrapped(static_cast<double>(p));
  return w;
}

/// A hill of 20 rad, 4 rad of ramp.
Map hill(Extents<2> extents = {60, 72}) {
  return map_of(extents, [](double y, double x) {
    return 0.05 * x - 20 * std::exp(-((y - 30) * (y - 30) + (x - 40) * (x - 40)) / 300);
  });
}

/// Largest difference after the one multiple of 2π that pixel (0, 0) shows.
double largest_error(const Map& found, const Map& truth, const Map& weight) {
  const double offset = turn_rad * std::round(static_cast<double>(found(0, 0) - truth(0, 0)) / turn_rad);
  double largest = 0;
  for (Index i = 0; i < found.size(); ++i) {
    if (!(weight.data()[i] > 0)) continue;
    largest = std::max(largest, std::abs(static_cast<double>(found.data()[i] - truth.data()[i]) - offset));
  }
  return largest;
}

constexpr double rounding = 2e-5;  // of float32 at 20 rad, some times over

TEST(Wrap, TakesTheShortestWay) {
  EXPECT_EQ(turns(4.0), -1);
  EXPECT_EQ(turns(-4.0), 1);
  EXPECT_EQ(turns(3.0), 0);
  EXPECT_DOUBLE_EQ(shortest(4.0), 4 - turn_rad);
  EXPECT_DOUBLE_EQ(shortest(-4.0), turn_rad - 4);
  EXPECT_DOUBLE_EQ(shortest(-3.0), -3);
}

class Unwrap : public ::testing::TestWithParam<UnwrapMethod> {};
INSTANTIATE_TEST_SUITE_P(, Unwrap, ::testing::Values(UnwrapMethod::quality_guided, UnwrapMethod::least_squares),
                         [](const auto& method) {
                           return method.param == UnwrapMethod::quality_guided ? "QualityGuided" : "LeastSquares";
                         });

TEST_P(Unwrap, ARowOfFour) {
  Map row({1, 4});
  const std::array<double, 4> phase{0, 2.5, 5, 7.5};
  for (Index x = 0; x < 4; ++x) row(0, x) = wrapped(phase[static_cast<std::size_t>(x)]);
  const Map found = unwrap(row, filled({1, 4}, 1), GetParam());
  // Their mean of 3.75 is nearest to 0 one turn lower.
  for (Index x = 0; x < 4; ++x) EXPECT_NEAR(found(0, x), phase[static_cast<std::size_t>(x)] - turn_rad, 1e-6);
}

TEST_P(Unwrap, AColumnAndASinglePixel) {
  const Map column = map_of({40, 1}, [](double y, double) { return 1.5 * y; });
  EXPECT_LT(largest_error(unwrap(wrap_all(column), filled({40, 1}, 1), GetParam()), column, filled({40, 1}, 1)),
            2 * rounding);
  EXPECT_EQ(unwrap(filled({1, 1}, 2), filled({1, 1}, 1), GetParam())(0, 0), 2);
}

TEST_P(Unwrap, AHill) {
  const Map truth = hill(), ones = filled(truth.extents(), 1);
  EXPECT_LT(largest_error(unwrap(wrap_all(truth), ones, GetParam()), truth, ones), rounding);
}

TEST_P(Unwrap, LosesNoPhaseInNoise) {
  std::mt19937 random(4);
  std::normal_distribution<double> noise(0, 0.3);
  Map truth = hill();
  for (float& p : truth) p += static_cast<float>(noise(random));
  const Map ones = filled(truth.extents(), 1), in = wrap_all(truth);
  const Map found = unwrap(in, ones, GetParam());
  for (Index i = 0; i < found.size(); ++i) EXPECT_NEAR(wrapped(found.data()[i]), wrapped(in.data()[i]), rounding);
  EXPECT_LT(largest_error(found, truth, ones), 2 * rounding);
}

TEST_P(Unwrap, AroundAHoleOfNoiseAndFaintPixels) {
  const Map truth = hill();
  Map in = wrap_all(truth), weight = filled(truth.extents(), 1);
  std::mt19937 random(5);
  std::uniform_real_distribution<float> any(-3.1f, 3.1f);
  for (Index y = 10; y < 30; ++y) {
    for (Index x = 10; x < 50; ++x) {
      in(y, x) = any(random);
      weight(y, x) = 0;
    }
  }
  for (Index x = 0; x < 72; ++x) weight(50, x) = 0.01f;
  EXPECT_LT(largest_error(unwrap(in, weight, GetParam()), truth, weight), rounding);
}

TEST_P(Unwrap, WithoutAnyTrustKeepsThePhase) {
  const Map in = wrap_all(hill());
  const Map found = unwrap(in, filled(in.extents(), 0), GetParam());
  for (Index i = 0; i < in.size(); ++i) EXPECT_NEAR(wrapped(found.data()[i]), in.data()[i], rounding);
}

TEST_P(Unwrap, MapsOfDifferentExtentsAreAFault) {
  EXPECT_THROW(unwrap(filled({4, 4}, 0), filled({4, 5}, 1), GetParam()), Error);
}

/// A pair of residues of a wave with zeros at (20.5, 20.5) and (20.5, 26.5).
Map pair_of_vortices() {
  return map_of({48, 48}, [](double y, double x) {
    return wrapped(std::atan2(y - 20.5, x - 20.5) - std::atan2(y - 20.5, x - 26.5));
  });
}

TEST(Vortices, QualityGuidedCutsBetweenResiduesAlone) {
  const Map in = pair_of_vortices(), ones = filled(in.extents(), 1);
  const Map found = unwrap(in, ones, UnwrapMethod::quality_guided);
  int jumps = 0;
  for (Index y = 0; y + 1 < 48; ++y) {
    for (Index x = 0; x < 48; ++x) jumps += std::abs(found(y + 1, x) - found(y, x)) > 3.2f;
  }
  for (Index y = 0; y < 48; ++y) {
    for (Index x = 0; x + 1 < 48; ++x) jumps += std::abs(found(y, x + 1) - found(y, x)) > 3.2f;
  }
  EXPECT_GE(jumps, 6);   // the shortest cut
  EXPECT_LE(jumps, 12);  // far from a cut to the border, of 20
}

TEST(Residues, OfAPairAreOneOfEachSign) {
  const Map in = pair_of_vortices();
  const Residues r = count_residues(in, filled(in.extents(), 1));
  EXPECT_EQ(r.positive, 1);
  EXPECT_EQ(r.negative, 1);
}

TEST(Residues, NeedTrustInAllFourPixels) {
  const Map in = pair_of_vortices();
  Map weight = filled(in.extents(), 1);
  weight(21, 20) = 0;
  const Residues r = count_residues(in, weight);
  EXPECT_EQ(r.positive + r.negative, 1);
}

TEST(Residues, OfASmoothPhaseAreNone) {
  const Map in = wrap_all(hill());
  const Residues r = count_residues(in, filled(in.extents(), 1));
  EXPECT_EQ(r.positive + r.negative, 0);
  EXPECT_THROW(count_residues(in, filled({2, 2}, 1)), Error);
}

}  // namespace
}  // namespace ptychoflow::phase
