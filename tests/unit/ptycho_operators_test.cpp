// The physics, element by element, on numbers that can be worked out by hand.
#include "core/ptycho/operators.hpp"

#include <gtest/gtest.h>

namespace ptychoflow::ptycho {
namespace {

using C = Complex<double>;

TEST(Operators, ReflectedWaveIsTwicePoMinusPsi) {
  EXPECT_EQ(op::reflected_wave(C{1, 2}, C{3, -1}, C{4, 4}), (C{2 * 5 - 4, 2 * 5 - 4}));
}

TEST(Operators, FullProjectionReplacesTheMagnitude) { EXPECT_DOUBLE_EQ(op::modulus_factor(2.0, 3.0), 1.5); }

TEST(Operators, RelaxedProjectionStopsWhereTheSlackSays) {
  // measured 3, model 5, a quarter of the deviation stays: magnitude 3.5
  const C wave{5, 0}, replaced = op::modulus_factor(5.0, 3.0) * wave;
  EXPECT_DOUBLE_EQ(op::projected_wave(wave, replaced, 0.25).re, 3.5);
  EXPECT_EQ(op::projected_wave(wave, replaced, 0.0), replaced);
  EXPECT_EQ(op::projected_wave(wave, replaced, 1.0), wave);
}

TEST(Operators, PixelsWithoutMeasurementOrLightStayAsTheyAre) {
  EXPECT_EQ(op::modulus_factor(2.0, -1.0), 1.0);
  EXPECT_EQ(op::modulus_factor(0.0, 3.0), 1.0);
}

TEST(Operators, MeasuredZeroMakesTheWaveZero) { EXPECT_EQ(op::modulus_factor(2.0, 0.0), 0.0); }

TEST(Operators, SlackLeavesGoodFramesAloneAndPullsOthersToTheBound) {
  EXPECT_EQ(op::slack(0.2, 0.25), 1.0);
  EXPECT_DOUBLE_EQ(op::slack(1.0, 0.25), 0.5);  // deviations halved: their mean square is a quarter
  EXPECT_EQ(op::slack(1.0, 0.0), 0.0);
}

TEST(Operators, ExitWaveStepIsBetaTimesProjectedMinusPo) {
  EXPECT_EQ(op::exit_wave_step(C{5, 1}, C{1, 1}, C{2, 0}, 0.5), (C{1.5, -0.5}));
}

TEST(Operators, OverlapTermsConjugateTheOtherFactor) {
  EXPECT_EQ(op::overlap_term(C{0, 1}, C{2, 3}), (C{3, -2}));
  EXPECT_EQ(op::overlap_term(C{1, -1}, C{1, 0}), (C{1, 1}));
}

TEST(Operators, QuotientKeepsTheOldValueWhereThereIsNoLight) {
  EXPECT_EQ(op::overlap_quotient(C{}, 0.0, C{7, -2}, 1e-4), (C{7, -2}));
  EXPECT_EQ(op::overlap_quotient(C{6, 4}, 2.0, C{1, 1}, 0.0), (C{3, 2}));
}

TEST(Operators, BoundsClampAmplitudeAndPhase) {
  ObjectBounds bounds;
  bounds.amplitude_max = 1;
  bounds.phase_min_rad = -1;
  bounds.phase_max_rad = 0;
  const C inside{0.5, -0.1};
  EXPECT_EQ(op::bounded(inside, bounds), inside);
  const C bright = op::bounded(C{3, 0}, bounds);
  EXPECT_NEAR(bright.re, 1, 1e-15);
  const C ahead = op::bounded(C{0, 0.5}, bounds);  // phase π/2 becomes 0
  EXPECT_NEAR(ahead.re, 0.5, 1e-15);
  EXPECT_NEAR(ahead.im, 0, 1e-15);
}

}  // namespace
}  // namespace ptychoflow::ptycho
