// Each CPU kernel on cases small enough to work out by hand.
#include "core/ptycho/kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.hpp"
#include "core/base/units.hpp"

namespace ptychoflow::ptycho {
namespace {

using C = Complex<double>;

/// Two 1×2 views in a 1×3 object, the second one pixel to the right.
struct TwoViews : ::testing::Test {
  std::shared_ptr<device::Array<double, 3>> magnitudes =
      std::make_shared<device::Array<double, 3>>(Extents<3>{2, 1, 2});
  device::ThreadPool threads{2};
  std::unique_ptr<Kernels<double>> kernels = make_cpu_kernels<double>(threads, {1, 2});
  State<double> state;
  Overlap<double> object_overlap, probe_overlap;
  const device::Share all{0, 2};

  TwoViews() {
    state.probe = device::Array<C, 3>({1, 1, 2});
    state.object = device::Array<C, 3>({1, 1, 3});
    state.probe(0, 0, 0) = {1, 0};
    state.probe(0, 0, 1) = {0, 2};
    for (Index x = 0; x < 3; ++x) state.object(0, 0, x) = {static_cast<double>(x + 1), 0};
    object_overlap = {device::Array<C, 3>({1, 1, 3}), device::Array<double, 2>({1, 3})};
    probe_overlap = {device::Array<C, 3>({1, 1, 2}), device::Array<double, 2>({1, 2})};
  }

  Problem<double> problem() const {
    Layout layout;
    layout.frame = {1, 2};
    layout.object = {1, 3};
    layout.windows = {{0, 0}, {0, 1}};
    return {layout, magnitudes, {{0, 0}, {1, 1}}};
  }

  void take_fields() {
    kernels->take_probe(state);
    kernels->take_object(state);
  }

  void start(const Problem<double>& p) {
    take_fields();
    state.exit_waves = device::Array<double, 3>({p.local_count(), state.mode_pairs(), kernels->exit_wave_size()});
    kernels->start_exit_waves(p, state, all);
  }

  ExactRatio update(const Problem<double>& p, std::optional<double> bound, Gather gather) {
    ExactRatio change;
    kernels->update_exit_waves(p, state, all, 0.8, bound, gather, object_overlap, change);
    return change;
  }

  FitSums fit(const Problem<double>& p, Index stride) {
    take_fields();
    ExactRatio sums;
    kernels->compare(p, state, {0, p.local_count()}, stride, sums);
    return {sums.part.value(), sums.whole.value()};
  }
};

TEST_F(TwoViews, ExitWavesStartAsProbeTimesObject) {
  start(problem());
  const auto psi = kernels->unpacked_exit_waves(state, all);
  EXPECT_EQ(psi(0, 0, 0, 0), (C{1, 0}));
  EXPECT_EQ(psi(0, 0, 0, 1), (C{0, 4}));
  EXPECT_EQ(psi(1, 0, 0, 0), (C{2, 0}));
  EXPECT_EQ(psi(1, 0, 0, 1), (C{0, 6}));
}

TEST_F(TwoViews, ObjectNumeratorEmbedsConjugateProbeTimesPsi) {
  const auto p = problem();
  start(p);
  kernels->gather(p, state, {0, 1}, Gather::object, object_overlap);
  EXPECT_EQ(object_overlap.numerator(0, 0, 1), (C{8, 0}));
  kernels->gather(p, state, {1, 2}, Gather::object, object_overlap);  // is added
  EXPECT_EQ(object_overlap.numerator(0, 0, 0), (C{1, 0}));            // 1·1
  EXPECT_EQ(object_overlap.numerator(0, 0, 1), (C{8 + 2, 0}));        // (−2i)(4i) + 1·2
  EXPECT_EQ(object_overlap.numerator(0, 0, 2), (C{12, 0}));           // (−2i)(6i)
}

TEST_F(TwoViews, ProbeNumeratorSumsConjugateObjectTimesPsi) {
  const auto p = problem();
  start(p);
  kernels->gather(p, state, {0, 1}, Gather::probe, probe_overlap);
  kernels->gather(p, state, {1, 2}, Gather::probe, probe_overlap);
  EXPECT_EQ(probe_overlap.numerator(0, 0, 0), (C{1 + 4, 0}));
  EXPECT_EQ(probe_overlap.numerator(0, 0, 1), (C{0, 8 + 18}));
}

TEST_F(TwoViews, SumsOfWholeNumbersAreTheSameInAnyOrder) {
  const auto p = problem();
  start(p);
  for (auto* overlap : {&object_overlap, &probe_overlap}) {
    const Gather what = overlap == &object_overlap ? Gather::object : Gather::probe;
    overlap->whole_numerator = device::Array<Complex<std::int64_t>, 3>(overlap->numerator.extents());
    overlap->numerator_scale = fixed_point(10, 2);
    kernels->clear(*overlap);
    kernels->gather(p, state, {1, 2}, what, *overlap);
    kernels->gather(p, state, {0, 1}, what, *overlap);
    const auto backwards = device::Array<Complex<std::int64_t>, 3>::copy_of(overlap->whole_numerator.view());
    kernels->clear(*overlap);
    kernels->gather(p, state, {0, 2}, what, *overlap);
    EXPECT_TRUE(std::equal(backwards.begin(), backwards.end(), overlap->whole_numerator.begin()));
    kernels->settle(*overlap);
  }
  EXPECT_EQ(object_overlap.numerator(0, 0, 1), (C{8 + 2, 0}));
  EXPECT_EQ(probe_overlap.numerator(0, 0, 1), (C{0, 8 + 18}));
}

TEST_F(TwoViews, ATermThatIsTooLargeForWholeNumbersIsReported) {
  const auto p = problem();
  start(p);
  object_overlap.whole_numerator = device::Array<Complex<std::int64_t>, 3>(object_overlap.numerator.extents());
  object_overlap.numerator_scale = fixed_point(1e-3, 2);  // of terms up to 12
  kernels->clear(object_overlap);
  kernels->gather(p, state, all, Gather::object, object_overlap);
  EXPECT_THROW(kernels->settle(object_overlap), Error);
}

TEST_F(TwoViews, DenominatorsSumIntensities) {
  Layout layout;
  layout.frame = {1, 2};
  layout.object = {1, 3};
  layout.windows = {{0, 0}, {0, 1}};
  const Problem<double> other_ranks_view_missing(layout, magnitudes, {{0, 0}});
  kernels->cover_object(other_ranks_view_missing, state, object_overlap);
  EXPECT_EQ(object_overlap.denominator(0, 0), 1);
  EXPECT_EQ(object_overlap.denominator(0, 1), 5);
  EXPECT_EQ(object_overlap.denominator(0, 2), 4);
  kernels->cover_probe(other_ranks_view_missing, state, probe_overlap);
  EXPECT_EQ(probe_overlap.denominator(0, 0), 1);  // of the one view that is here
  EXPECT_EQ(probe_overlap.denominator(0, 1), 4);
  kernels->cover_probe(problem(), state, probe_overlap);
  EXPECT_EQ(probe_overlap.denominator(0, 0), 1 + 4);
  EXPECT_EQ(probe_overlap.denominator(0, 1), 4 + 9);
  EXPECT_EQ(kernels->largest(probe_overlap.denominator), 4 + 9);
  EXPECT_EQ(kernels->largest_power(state.object), 9);
}

TEST_F(TwoViews, DivideCountsChangeWhereThereIsLight) {
  auto& n = object_overlap.numerator;
  auto& d = object_overlap.denominator;
  n(0, 0, 0) = {4, 0}, n(0, 0, 1) = {0, 9}, n(0, 0, 2) = {5, 5};
  d(0, 0) = 2, d(0, 1) = 3, d(0, 2) = 0.001;
  std::vector<ExactRatio> sums(1), none(1);
  kernels->divide(object_overlap, 0, 0.01, {0, 1}, state.object, sums);
  EXPECT_EQ(state.object(0, 0, 0), (C{2, 0}));
  EXPECT_EQ(state.object(0, 0, 1), (C{0, 3}));
  EXPECT_NEAR(sums[0].part.value(), 1 + (4 + 9), 1e-12);  // 1 → 2, 2 → 3i; the third is not lit
  EXPECT_NEAR(sums[0].whole.value(), 4 + 9, 1e-12);
  kernels->divide(object_overlap, 0, 0.01, {0, 0}, state.object, none);  // rows for which another rank speaks
  EXPECT_EQ(none[0].whole.value(), 0);
}

TEST_F(TwoViews, FitIsZeroForDataThatTheModelMakes) {
  // F[1, 4i] = (1+4i, 1−4i)/√2 and F[2, 6i] = (2+6i, 2−6i)/√2
  for (Index x = 0; x < 2; ++x) {
    (*magnitudes)(0, 0, x) = std::sqrt(17.0 / 2);
    (*magnitudes)(1, 0, x) = std::sqrt(40.0 / 2);
  }
  const auto p = problem();
  const auto perfect = fit(p, 1);
  EXPECT_NEAR(perfect.misfit, 0, 1e-24);
  EXPECT_NEAR(perfect.measured, 17 + 40, 1e-12);
  (*magnitudes)(1, 0, 0) += 0.5;
  (*magnitudes)(1, 0, 1) = -1;  // not measured
  EXPECT_NEAR(fit(p, 1).misfit, 0.25, 1e-12);
  EXPECT_NEAR(fit(p, 2).misfit, 0, 1e-24);  // the first view alone
}

TEST_F(TwoViews, ExitWavesAtASolutionDoNotMove) {
  for (Index x = 0; x < 2; ++x) {
    (*magnitudes)(0, 0, x) = std::sqrt(17.0 / 2);
    (*magnitudes)(1, 0, x) = std::sqrt(40.0 / 2);
  }
  const auto p = problem();
  start(p);
  const auto sums = update(p, std::nullopt, Gather::object);
  EXPECT_NEAR(sums.part.value(), 0, 1e-13);  // what rounding leaves of terms of 40
  EXPECT_NEAR(sums.whole.value(), 17 + 40, 1e-12);
  EXPECT_NEAR(object_overlap.numerator(0, 0, 1).re, 10, 1e-12);
}

TEST_F(TwoViews, ABoundThatTheFramesKeepLeavesThemAlone) {
  const auto p = problem();  // magnitudes are zero: the deviation is large, but within this bound
  start(p);
  EXPECT_NEAR(update(p, 1e6, Gather::nothing).part.value(), 0, 1e-24);
}

TEST_F(TwoViews, RotationTurnsProbeAndExitWavesAlike) {
  state.probe = device::Array<C, 3>({2, 1, 2});
  state.probe(0, 0, 0) = {1, 0};
  state.probe(1, 0, 1) = {0, 1};
  const auto p = problem();
  start(p);
  device::Array<C, 2> swap_with_phase({2, 2});
  swap_with_phase(0, 1) = {0, 1};
  swap_with_phase(1, 0) = {1, 0};
  kernels->rotate_probe(swap_with_phase, state);
  kernels->rotate_exit_waves(swap_with_phase, state, all);
  EXPECT_EQ(state.probe(0, 0, 1), (C{-1, 0}));
  EXPECT_EQ(state.probe(1, 0, 0), (C{1, 0}));
  const auto psi = kernels->unpacked_exit_waves(state, all);
  for (Index v = 0; v < 2; ++v) {  // still ψ = PO
    for (Index k = 0; k < 2; ++k) {
      for (Index x = 0; x < 2; ++x) EXPECT_EQ(psi(v, k, 0, x), state.probe(k, 0, x) * state.object(0, 0, v + x));
    }
  }
}

TEST_F(TwoViews, SupportAndBoundsAct) {
  kernels->support_probe(0.5, state.probe);  // the centre is pixel 1 of 2
  EXPECT_EQ(state.probe(0, 0, 0), (C{}));
  EXPECT_EQ(state.probe(0, 0, 1), (C{0, 2}));
  ObjectBounds bounds;
  bounds.amplitude_max = 2;
  kernels->bound_object(bounds, state.object);
  EXPECT_EQ(state.object(0, 0, 0), (C{1, 0}));
  EXPECT_NEAR(state.object(0, 0, 2).re, 2, 1e-15);
}

TEST_F(TwoViews, APartKeepsItsViewsAndTheirWindows) {
  const auto odd = problem().part(1, 2);
  ASSERT_EQ(odd.local_count(), 1);
  EXPECT_EQ(odd.window(0), (Yx<Index>{0, 1}));
  kernels->cover_object(odd, state, object_overlap);
  EXPECT_EQ(object_overlap.denominator(0, 0), 0);
  EXPECT_EQ(object_overlap.denominator(0, 2), 4);
}

TEST(Problem, AWindowOutsideTheObjectIsRefused) {
  Layout layout;
  layout.frame = {1, 2};
  layout.object = {1, 3};
  layout.windows = {{0, 2}};
  const auto magnitudes = std::make_shared<device::Array<double, 3>>(Extents<3>{1, 1, 2});
  EXPECT_THROW(Problem<double>(layout, magnitudes, {{0, 0}}), Error);
}

}  // namespace
}  // namespace ptychoflow::ptycho
