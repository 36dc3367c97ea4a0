#include <gtest/gtest.h>

#include <cmath>

#include "core/tomo/angle_weights.hpp"
#include "core/tomo/filtered_back_projection.hpp"
#include "tests/support/slice_kernels.hpp"

namespace ptychoflow::tomo {
namespace {

using test::Stack;

constexpr Index width = 96;

std::vector<double> even_angles(Index count, double range_deg = 180, double first_deg = 0) {
  std::vector<double> angles;
  for (Index a = 0; a < count; ++a)
    angles.push_back((first_deg + range_deg * static_cast<double>(a) / static_cast<double>(count)) * pi / 180);
  return angles;
}

/// A disc of radius 20 at u = 12, v = −6, of value `value`, seen exactly: its chords.
Stack disc_sinogram(const ParallelBeam& beam, double value, Index slices = 1) {
  Stack s({slices, static_cast<Index>(beam.angle_rad.size()), width});
  for (Index z = 0; z < slices; ++z) {
    for (Index a = 0; a < s.extent(1); ++a) {
      const double t = beam.angle_rad[static_cast<std::size_t>(a)];
      for (Index x = 0; x < width; ++x) {
        const double d = static_cast<double>(x) - beam.axis_px - 12 * std::cos(t) + 6 * std::sin(t);
        s(z, a, x) = static_cast<float>(value * static_cast<double>(z + 1) * 2 * std::sqrt(std::max(0.0, 400 - d * d)));
      }
    }
  }
  return s;
}

/// Mean over pixels at distances [from, to) of the disc's centre.
double mean_at(View<const float, 2> slice, double from, double to) {
  double sum = 0, count = 0;
  for (Index y = 0; y < width; ++y) {
    for (Index x = 0; x < width; ++x) {
      const double r = std::hypot(static_cast<double>(x) - 47.5 - 12, static_cast<double>(y) - 47.5 + 6);
      if (r < from || r >= to) continue;
      sum += static_cast<double>(slice(y, x)), ++count;
    }
  }
  return sum / count;
}

class FilteredBackProjection : public test::OnEveryDevice {
 protected:
  Stack reconstruct(const ParallelBeam& beam, const Stack& sinograms, Filter filter, float scale = 1) {
    Stack slices({sinograms.extent(0), width, width});
    filtered_back_projection(*kernels({beam, width, width}, filter), sinograms, scale, slices);
    return slices;
  }
};
PTYCHOFLOW_ON_EVERY_DEVICE(FilteredBackProjection);

TEST_P(FilteredBackProjection, EveryFilterGivesADiscItsValueAndNothingBesideIt) {
  const ParallelBeam beam{even_angles(180), 50.3};
  for (const Filter f : {Filter::ramp, Filter::shepp_logan, Filter::hann, Filter::butterworth}) {
    const Stack slice = reconstruct(beam, disc_sinogram(beam, 0.5), f);
    // An offset of the ramp at f = 0 would show in both: Kak & Slaney's fig. 3.14 has some 20 %.
    EXPECT_NEAR(mean_at(slice[0], 0, 17), 0.5, 0.0025) << static_cast<int>(f);
    EXPECT_NEAR(mean_at(slice[0], 23, 28), 0, 0.0025) << static_cast<int>(f);
  }
}

TEST_P(FilteredBackProjection, SoftFiltersBlurTheEdge) {
  const ParallelBeam beam{even_angles(180), 50.3};
  const auto edge = [&](Filter f) { return mean_at(reconstruct(beam, disc_sinogram(beam, 1), f)[0], 18, 19.5); };
  EXPECT_GT(edge(Filter::ramp), edge(Filter::shepp_logan));
  EXPECT_GT(edge(Filter::shepp_logan), edge(Filter::hann));
}

TEST_P(FilteredBackProjection, DerivativeDoesNotSeeWholeTurns) {
  const ParallelBeam beam{even_angles(90), 47.5};
  // Below π from pixel to pixel, but for the steep rim where the chord starts: so a small value.
  const Stack smooth = disc_sinogram(beam, 0.2);
  Stack torn = Stack::copy_of(smooth);
  for (float& v : torn) v = wrapped(v);
  EXPECT_GT(*std::max_element(smooth.begin(), smooth.end()), 7) << "or nothing is wrapped";
  const Stack expected = reconstruct(beam, smooth, Filter::shepp_logan),
              found = reconstruct(beam, torn, Filter::derivative);
  for (Index i = 0; i < expected.size(); ++i) ASSERT_NEAR(found.data()[i], expected.data()[i], 2e-5) << i;
}

TEST_P(FilteredBackProjection, SlicesSideBySideAreAsAlone) {
  const ParallelBeam beam{even_angles(31), 47.5};
  const Stack many = disc_sinogram(beam, 1, 19), together = reconstruct(beam, many, Filter::hann);
  for (const Index z : {0, 1, 15, 16, 18}) {
    Stack one({1, 31, width});
    std::copy_n(many[z].data(), one.size(), one.data());
    const Stack alone = reconstruct(beam, one, Filter::hann);
    const double most = *std::max_element(alone.begin(), alone.end());
    for (Index i = 0; i < alone.size(); ++i) {
      // Its neighbour in the complex transform is another one: rounding.
      ASSERT_NEAR(together[z].data()[i], alone.data()[i], 2e-5 * most) << z << ' ' << i;
    }
  }
}

TEST_P(FilteredBackProjection, ScaleMultiplies) {
  const ParallelBeam beam{even_angles(20), 47.5};
  const Stack s = disc_sinogram(beam, 1), once = reconstruct(beam, s, Filter::ramp),
              scaled = reconstruct(beam, s, Filter::ramp, -2);
  for (Index i = 0; i < once.size(); ++i) ASSERT_NEAR(scaled.data()[i], -2 * once.data()[i], 1e-5);
}

TEST(AngleWeights, EvenAnglesShareHalfATurn) {
  for (const double w : angle_weights(even_angles(60))) EXPECT_NEAR(w, pi / 60, 1e-12);
  for (const double w : angle_weights(even_angles(60, 360, -33))) EXPECT_NEAR(w, pi / 60, 1e-9);
}

TEST(AngleWeights, UnevenOnesGetTheirGaps) {
  // 0, 10, 30, 90 and 140°: gaps 10, 20, 60, 50, 40; in another order, and one from behind.
  const std::vector<double> degrees = {30, 0, 140, 270, 10}, expected = {40, 25, 45, 55, 15};
  std::vector<double> angles;
  for (const double d : degrees) angles.push_back(d * pi / 180);
  const auto weights = angle_weights(angles);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(weights[i] * 180 / pi, expected[i], 1e-9) << i;
}

TEST(AngleWeights, RimsOfAMissingWedgeDoNotStandForIt) {
  const auto weights = angle_weights(even_angles(120, 120));
  EXPECT_NEAR(weights[60] * 180 / pi, 1, 1e-9);
  EXPECT_NEAR(weights[0] * 180 / pi, 2.5, 1e-9);  // half of 1° and half of 4 · 1°
  EXPECT_NEAR(weights[119] * 180 / pi, 2.5, 1e-9);
}

TEST(Wrapped, IsAbovePiBelowAndUpToPi) {
  const auto p = static_cast<float>(pi);
  EXPECT_FLOAT_EQ(wrapped(p), p);
  EXPECT_FLOAT_EQ(wrapped(-p), p);
  EXPECT_FLOAT_EQ(wrapped(1), 1);
  EXPECT_NEAR(wrapped(4), 4 - 2 * pi, 1e-6);
  EXPECT_NEAR(wrapped(-10), -10 + 4 * pi, 1e-6);
}

}  // namespace
}  // namespace ptychoflow::tomo
