#include "core/ptycho/geometry.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/error.hpp"
#include "core/ptycho/resample.hpp"

namespace ptychoflow::ptycho {
namespace {

const Optics optics{1e-10, 2.0, {50e-6, 100e-6}, {100, 200}};

TEST(Geometry, ObjectPixelIsWavelengthTimesDistanceOverFrame) {
  const auto dx = object_pixel_m(optics);
  EXPECT_DOUBLE_EQ(dx.y, 1e-10 * 2 / (100 * 50e-6));
  EXPECT_DOUBLE_EQ(dx.x, 1e-10 * 2 / (200 * 100e-6));
}

TEST(Geometry, WindowsStartAtTheMarginAndRoundToPixels) {
  const auto dx = object_pixel_m(optics);
  const auto layout = lay_out(optics, {{5 * dx.y, -2 * dx.x}, {7.6 * dx.y, 1.2 * dx.x}});
  EXPECT_EQ(layout.windows[0], (Yx<Index>{4, 4}));
  EXPECT_EQ(layout.windows[1], (Yx<Index>{4 + 3, 4 + 3}));
  EXPECT_EQ(layout.object, (Yx<Index>{7 + 100 + 4, 7 + 200 + 4}));
  EXPECT_DOUBLE_EQ(layout.origin_m.y, (5 - 4) * dx.y);
  EXPECT_NEAR(layout.origin_m.x, (-2 - 4) * dx.x, 1e-20);
}

TEST(Geometry, WithAnAnchorWindowsKeepTheirPlacesToEachOther) {
  const auto dx = object_pixel_m(optics);
  std::vector<Yx<double>> positions{{0.4 * dx.y, 0}, {2.6 * dx.y, 3 * dx.x}};
  const Yx<double> anchor = positions.front();
  const auto few = lay_out(optics, positions, anchor);
  positions.push_back({-7.3 * dx.y, -0.2 * dx.x});
  const auto more = lay_out(optics, positions, anchor);
  EXPECT_EQ(few.windows[0], (Yx<Index>{4, 4}));
  EXPECT_EQ(more.windows[2], (Yx<Index>{4, 4}));
  for (int j = 0; j < 2; ++j) {
    EXPECT_EQ(more.windows[static_cast<std::size_t>(j)].y - few.windows[static_cast<std::size_t>(j)].y, 8);
    EXPECT_EQ(more.windows[static_cast<std::size_t>(j)].x - few.windows[static_cast<std::size_t>(j)].x, 0);
  }
  EXPECT_NEAR(more.origin_m.y, few.origin_m.y - 8 * dx.y, 1e-20);
}

TEST(Geometry, RefusesWhatIsNotPositiveOrFinite) {
  Optics bad = optics;
  bad.distance_m = 0;
  EXPECT_THROW(object_pixel_m(bad), Error);
  bad = optics;
  bad.wavelength_m = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(object_pixel_m(bad), Error);
  EXPECT_THROW(lay_out(optics, {}), Error);
  EXPECT_THROW(lay_out(optics, {{0, 0}, {INFINITY, 0}}), Error);
}

TEST(Resample, SameRasterGivesTheSameArray) {
  device::Array<Complex<double>, 3> a({1, 2, 3});
  for (Index i = 0; i < 6; ++i) a.data()[i] = {static_cast<double>(i), 1};
  const Raster raster{{1e-6, 2e-6}, {1e-8, 2e-8}};
  const auto b = resample(a, raster, raster, {2, 3}, {9, 9});
  for (Index i = 0; i < 6; ++i) EXPECT_NEAR(b.data()[i].re, static_cast<double>(i), 1e-9);
}

TEST(Resample, InterpolatesBetweenPixelsAndFillsOutside) {
  device::Array<Complex<double>, 3> a({1, 1, 2});
  a(0, 0, 0) = {1, 0};
  a(0, 0, 1) = {3, 2};
  const auto b = resample(a, {{0, 0}, {1, 1}}, {{0, 0.5}, {1, 1}}, {1, 2}, {-7, 0});
  EXPECT_NEAR(b(0, 0, 0).re, 2, 1e-12);
  EXPECT_NEAR(b(0, 0, 0).im, 1, 1e-12);
  EXPECT_EQ(b(0, 0, 1), (Complex<double>{-7, 0}));
}

}  // namespace
}  // namespace ptychoflow::ptycho
