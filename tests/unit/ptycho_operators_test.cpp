// The physics, element by element, on numbers that can be worked out by hand.
#include "core/ptycho/operators.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace ptychoflow::ptycho {
namespace {

using C = Complex<double>;

TEST(Operators, ReflectedWaveIsTwicePoMinusPsi) { EXPECT_EQ(op::reflected_wave(C{5, 3}, C{4, 4}), (C{6, 2})); }

TEST(Operators, FullProjectionReplacesTheMagnitude) { EXPECT_DOUBLE_EQ(op::modulus_change(2.0, 3.0), 0.5); }

TEST(Operators, PixelsWithoutMeasurementOrLightStayAsTheyAre) {
  EXPECT_EQ(op::modulus_change(2.0, -1.0), 0.0);
  EXPECT_EQ(op::modulus_change(0.0, 3.0), 0.0);
}

TEST(Operators, MeasuredZeroMakesTheWaveZero) { EXPECT_EQ(op::modulus_change(2.0, 0.0), -1.0); }

TEST(Operators, GoodFramesAreLeftAloneAndOthersPulledToTheBound) {
  EXPECT_EQ(op::pull(0.2, 0.25), 0.0);
  EXPECT_DOUBLE_EQ(op::pull(1.0, 0.25), 0.5);  // deviations halved: their mean square is a quarter
  EXPECT_EQ(op::pull(1.0, 0.0), 1.0);
}

/// A pixel whose transform is itself: the paper's (3), term by term, against how it is worked out here.
TEST(Operators, UpdateAndItsSizeAreThePapers) {
  const C psi{4, 4}, p{1, 2}, o{3, -1}, po = p * o;
  const double measured = 7;
  for (const double beta : {1.0, 0.6}) {
    for (const double pull : {1.0, 0.3}) {
      const C w = po + po - psi;
      const double model = std::sqrt(norm(w)), target = model + pull * (measured - model);
      const C projected = (target / model) * w;  // F⁻¹F_c[2PO − ψ]
      const C step = beta * (projected - po);

      const C delta = pull * (op::modulus_change(model, measured) * w);
      const C old = beta == 1 ? C{} : psi;
      const C updated = op::updated_exit_wave(old, po + delta, beta);
      EXPECT_NEAR(updated.re, (psi + step).re, 1e-14);
      EXPECT_NEAR(updated.im, (psi + step).im, 1e-14);
      const double size = op::step_when_reflected(po, psi) + pull * op::step_at_detector(model, measured) +
                          op::step_when_updated(po, delta);
      EXPECT_NEAR(beta * beta * size, norm(step), 1e-13);
    }
  }
  EXPECT_EQ(op::step_at_detector(2.0, -1.0), 0.0) << "not measured";
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
