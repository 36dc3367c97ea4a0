#include "core/ptycho/quality.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "core/base/units.hpp"
#include "core/ptycho/ring_correlation.hpp"

namespace ptychoflow {
namespace {

using C = Complex<double>;
using Offsets = device::Array<std::int32_t, 2>;

Image noise(Extents<2> extents, double sigma, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, sigma / std::sqrt(2.0));
  Image image(extents);
  for (C& v : image) v = {normal(random), normal(random)};
  return image;
}

/// Forty random waves that close on themselves, on a ground of 1: it can be moved by any fraction of a pixel without
/// error.
Image waves(Extents<2> extents) {
  std::mt19937 random(20);
  std::uniform_int_distribution<Index> wave(-12, 12);
  std::uniform_real_distribution<double> phase(0, 2 * pi);
  Image image(extents);
  for (C& v : image) v = {1, 0};
  for (int i = 0; i < 40; ++i) {
    const double u = static_cast<double>(wave(random)) / static_cast<double>(extents[0]);
    const double v = static_cast<double>(wave(random)) / static_cast<double>(extents[1]);
    const double start = phase(random);
    for (Index y = 0; y < extents[0]; ++y) {
      for (Index x = 0; x < extents[1]; ++x) {
        image(y, x) += polar(0.05, start + 2 * pi * (u * static_cast<double>(y) + v * static_cast<double>(x)));
      }
    }
  }
  return image;
}

Image add(Image a, ImageView b) {
  for (Index i = 0; i < a.size(); ++i) a.data()[i] += b.data()[i];
  return a;
}

Image ramped(Image image, double ramp_y, double ramp_x, C scale) {
  for (Index y = 0; y < image.extent(0); ++y) {
    for (Index x = 0; x < image.extent(1); ++x) {
      image(y, x) *= scale * polar(1.0, ramp_y * static_cast<double>(y) + ramp_x * static_cast<double>(x));
    }
  }
  return image;
}

/// Windows of 24×32 px on an irregular walk over an object of 120×140 px; y and x behave differently.
constexpr Extents<2> object_extents{120, 140}, frame{24, 32};
Offsets walk(std::int32_t y0, std::int32_t x0) {
  Offsets offsets({13, 2});
  for (std::int32_t j = 0; j < 13; ++j) {
    offsets(j, 0) = y0 + (j * 7) % 88;
    offsets(j, 1) = x0 + j * 8;
  }
  return offsets;
}

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::data);
    return e.what();
  }
  return "nothing thrown";
}

TEST(Registration, FindsAShiftOfFractionsOfAPixel) {
  const Image t = waves({64, 80});
  const Shift found = find_shift(t, shifted(t, {3.27, -1.61}));
  EXPECT_NEAR(found.y_px, -3.27, 0.002);
  EXPECT_NEAR(found.x_px, 1.61, 0.002);
}

TEST(Registration, ShiftByWholePixelsMovesThePixels) {
  Image image({5, 8});
  image(1, 2) = {2, 1};
  const Image moved = shifted(image, {2, 3});
  EXPECT_NEAR(moved(3, 5).re, 2, 1e-14);
  EXPECT_NEAR(moved(3, 5).im, 1, 1e-14);
  EXPECT_NEAR(abs(moved(1, 2)), 0, 1e-14);
}

TEST(Registration, RampAndScaleAreTakenAway) {
  const Image t = waves({64, 81});
  const Image o = without_ramp(ramped(Image::copy_of(t), 0.137, -0.0519, {0.3, -2}), t);
  double worst = 0;
  for (Index i = 0; i < t.size(); ++i) worst = std::max(worst, abs(o.data()[i] - t.data()[i]));
  EXPECT_LT(worst, 0.012);  // a ramp known to 0.001 turns leaves π·0.001 rad a side, on values up to 1.7
}

TEST(Registration, CutRefusesAnAreaBeyondTheImage) {
  const Image t = waves({20, 20});
  EXPECT_EQ(cut(t, {{3, 4}, {2, 5}})(1, 2), t(4, 6));
  EXPECT_THROW(cut(t, {{15, 0}, {6, 5}}), Error);
  EXPECT_THROW(cut(t, {{0, -1}, {6, 5}}), Error);
}

TEST(ScannedArea, IsWhatWindowCentresSpanLessAMargin) {
  const Area area = scanned_area(walk(2, 5), frame);
  EXPECT_EQ(area.first, (Extents<2>{2 + 12 + 2, 5 + 16 + 3}));
  EXPECT_EQ(area.size, (Extents<2>{84 - 4, 96 - 6}));  // j·7 mod 88 spans 0…84
}

TEST(CompareWithTruth, WhatCannotBeKnownCostsNothing) {
  const Image truth = waves(object_extents);
  const Image object = ramped(shifted(truth, {0.4, -1.3}), 0.021, -0.013, {-1, 0.7});
  const TruthComparison c = compare_with_truth(object, walk(4, 4), truth, walk(4, 4), frame);
  EXPECT_LT(c.object_nrmse, 0.004);
  EXPECT_LT(c.phase_rms_rad, 0.004);
  EXPECT_NEAR(c.shift.y_px, -0.4, 0.01);
  EXPECT_NEAR(c.shift.x_px, 1.3, 0.01);
}

TEST(CompareWithTruth, NoiseIsTheError) {
  const Image truth = waves(object_extents);
  double power = 0;
  const Area area = scanned_area(walk(4, 4), frame);
  for (const C v : cut(truth, area)) power += norm(v);
  const double rms = std::sqrt(power / static_cast<double>(area.size[0] * area.size[1]));
  const Image object = ramped(add(Image::copy_of(truth), noise(object_extents, 0.1 * rms, 1)), 0.03, 0.01, {0, 5});
  const TruthComparison c = compare_with_truth(object, walk(4, 4), truth, walk(4, 4), frame);
  // The best scale shrinks the noisy object by 1 + 0.1², so the error is 0.1/√(1 + 0.1²); 7200 samples: ± 1 %.
  EXPECT_NEAR(c.object_nrmse, 0.0995, 0.003);
}

TEST(CompareWithTruth, PhaseErrorOfAChequerboard) {
  const Image truth = waves(object_extents);
  Image object = Image::copy_of(truth);
  for (Index y = 0; y < object_extents[0]; ++y) {
    for (Index x = 0; x < object_extents[1]; ++x) object(y, x) *= polar(3.0, (x + y) % 2 == 0 ? 0.1 : -0.1);
  }
  const TruthComparison c = compare_with_truth(object, walk(4, 4), truth, walk(4, 4), frame);
  EXPECT_NEAR(c.phase_rms_rad, 0.1, 1e-4);
  EXPECT_NEAR(c.object_nrmse, std::sin(0.1), 1e-4);
}

TEST(CompareWithTruth, AnObjectArrayWithAnotherMarginIsTheSame) {
  const Image truth = waves(object_extents);
  const Image object = cut(truth, {{2, 1}, {115, 138}});
  const TruthComparison c = compare_with_truth(object, walk(2, 3), truth, walk(4, 4), frame);
  EXPECT_LT(c.object_nrmse, 1e-6);
}

TEST(CompareWithTruth, PositionsOfTheWrongSignOrAxisAreRefused) {
  const Image truth = waves(object_extents);
  const Offsets right = walk(4, 4);
  Offsets flipped = Offsets::copy_of(right), swapped = Offsets::copy_of(right);
  for (Index j = 0; j < right.extent(0); ++j) {
    flipped(j, 1) = 108 - right(j, 1);
    swapped(j, 0) = right(j, 1);
    swapped(j, 1) = right(j, 0);
  }
  EXPECT_NE(message_of([&] { compare_with_truth(truth, flipped, truth, right, frame); }).find("wrong sign, axis order"),
            std::string::npos);
  EXPECT_NE(message_of([&] { compare_with_truth(truth, swapped, truth, right, frame); }).find("wrong sign, axis order"),
            std::string::npos);
}

TEST(CompareWithTruth, OtherScansAndTinyScansAreRefused) {
  const Image truth = waves(object_extents);
  EXPECT_NE(message_of([&] {
              compare_with_truth(truth, Offsets({3, 2}), truth, walk(4, 4), frame);
            }).find("3 views"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              compare_with_truth(truth, Offsets({3, 2}), truth, Offsets({3, 2}), frame);
            }).find("moves by 0 px in y"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              compare_with_truth(cut(truth, {{0, 0}, {50, 140}}), walk(4, 4), truth, walk(4, 4), frame);
            }).find("not within the object of 50×140"),
            std::string::npos);
}

TEST(ModePowers, AreSharesOfOrthogonalisedModes) {
  device::Array<Complex<float>, 3> modes({2, 1, 2});
  modes(0, 0, 0) = {3, 0};
  modes(1, 0, 1) = {0, 1};
  EXPECT_NEAR(mode_powers<float>(modes)[0], 0.9, 1e-15);
  EXPECT_NEAR(mode_powers<float>(modes)[1], 0.1, 1e-15);
  modes(1, 0, 0) = {0, 3};
  modes(1, 0, 1) = {};  // twice the same mode: one, in truth
  EXPECT_NEAR(mode_powers<float>(modes)[0], 1, 1e-15);
  EXPECT_NEAR(mode_powers<float>(modes)[1], 0, 1e-15);
}

TEST(ModePowers, NoPowerOrNoNumberIsRefused) {
  device::Array<C, 3> modes({1, 2, 2});
  EXPECT_NE(message_of([&] { mode_powers<double>(modes); }).find("is 0"), std::string::npos);
  modes(0, 0, 0) = {std::nan(""), 0};
  EXPECT_NE(message_of([&] { mode_powers<double>(modes); }).find("nan"), std::string::npos);
}

TEST(RingCorrelation, TheSameImageTwiceIsResolvedToThePixel) {
  const Image a = noise({48, 64}, 1, 3);
  const RingCorrelation rings = ring_correlation(a, a, {2e-9, 2e-9});
  for (const double c : rings.correlation) EXPECT_NEAR(c, 1, 1e-12);
  const Resolution r = resolution(rings, FrcThreshold::half_bit);
  EXPECT_EQ(r.bound, ResolutionBound::better_than);
  EXPECT_EQ(r.half_period_m, 2e-9);
  EXPECT_NEAR(rings.frequency_per_m.back(), 0.25e9, 0.25e9 / 24);  // one period in two pixels
}

TEST(RingCorrelation, NoiseAloneIsNotResolved) {
  const RingCorrelation rings = ring_correlation(noise({64, 64}, 1, 3), noise({64, 64}, 1, 4), {1e-9, 1e-9});
  for (std::size_t r = 1; r < rings.correlation.size(); ++r) {
    EXPECT_LT(std::abs(rings.correlation[r]), 4 / std::sqrt(2 * rings.independent[r])) << r;
  }
  EXPECT_EQ(resolution(rings, FrcThreshold::half_bit).bound, ResolutionBound::worse_than);
}

TEST(RingCorrelation, EqualSignalAndNoiseCorrelateByOneHalf) {
  const Image signal = noise({200, 160}, 1, 5);
  const RingCorrelation rings = ring_correlation(add(Image::copy_of(signal), noise({200, 160}, 1, 6)),
                                                 add(Image::copy_of(signal), noise({200, 160}, 1, 7)), {1e-9, 1e-9});
  double sum = 0, weights = 0;
  for (std::size_t r = 1; r < rings.correlation.size(); ++r) {
    sum += rings.correlation[r] * rings.independent[r];
    weights += rings.independent[r];
  }
  EXPECT_NEAR(sum / weights, 0.5, 0.02);  // some 14000 independent coefficients: ± 0.007
}

TEST(RingCorrelation, FindsWhereTheSignalEnds) {
  // Waves of each direction up to 1/8 period a pixel, none above, of pixels of 5 nm: a half period of 20 nm.
  constexpr Index n = 128;
  std::mt19937 random(8);
  std::uniform_real_distribution<double> phase(0, 2 * pi);
  Image signal({n, n});
  for (int ky = -16; ky <= 16; ++ky) {
    for (int kx = -16; kx <= 16; ++kx) {
      if (ky * ky + kx * kx > 256) continue;
      const double start = phase(random);
      for (Index y = 0; y < n; ++y) {
        for (Index x = 0; x < n; ++x) {
          signal(y, x) += polar(1.0, start + 2 * pi * static_cast<double>(ky * y + kx * x) / n);
        }
      }
    }
  }
  const RingCorrelation rings = ring_correlation(add(Image::copy_of(signal), noise({n, n}, 60, 9)),
                                                 add(Image::copy_of(signal), noise({n, n}, 60, 10)), {5e-9, 5e-9});
  for (const FrcThreshold kind : {FrcThreshold::half_bit, FrcThreshold::one_bit, FrcThreshold::one_seventh}) {
    const Resolution r = resolution(rings, kind);
    EXPECT_EQ(r.bound, ResolutionBound::measured);
    EXPECT_NEAR(r.half_period_m, 20e-9, 2.5e-9);  // two rings of 16
  }
}

TEST(RingCorrelation, PixelsOfTwoSizesAreMeasuredInMetres) {
  const Image a = noise({32, 64}, 1, 3);
  const RingCorrelation rings = ring_correlation(a, a, {4e-9, 2e-9});  // 128 nm a side
  EXPECT_NEAR(rings.frequency_per_m[1], 1 / 128e-9, 1);
  EXPECT_EQ(rings.finest_half_period_m, 4e-9);
}

TEST(RingCorrelation, ThresholdsOfManyAndFewCoefficients) {
  EXPECT_NEAR(frc_threshold(FrcThreshold::half_bit, 1e12), 0.1716, 1e-4);
  EXPECT_NEAR(frc_threshold(FrcThreshold::one_bit, 1e12), 1.0 / 3, 1e-4);
  EXPECT_NEAR(frc_threshold(FrcThreshold::half_bit, 1), 1, 1e-12);
  EXPECT_NEAR(frc_threshold(FrcThreshold::half_bit, 100), (0.2071 + 0.19102) / (1.2071 + 0.09102), 1e-4);
  EXPECT_EQ(frc_threshold(FrcThreshold::one_seventh, 3), 1.0 / 7);
}

TEST(RingCorrelation, SmallOrEmptyImagesAreRefused) {
  EXPECT_NE(message_of([] {
              ring_correlation(Image({8, 40}), Image({8, 40}), {1e-9, 1e-9});
            }).find("8×40"),
            std::string::npos);
  EXPECT_NE(message_of([] {
              ring_correlation(Image({32, 32}), Image({32, 32}), {1e-9, 1e-9});
            }).find("contrast"),
            std::string::npos);
}

}  // namespace
}  // namespace ptychoflow
