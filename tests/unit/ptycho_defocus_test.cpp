#include <gtest/gtest.h>

#include <cmath>

#include "core/ptycho/central_views.hpp"
#include "core/ptycho/defocus.hpp"

namespace ptychoflow::ptycho {
namespace {

TEST(Defocus, TheFarthestFillsAView) {
  // Light on a ring of 8 pixels: from a view of 64 · 10 nm it comes at λ · 8 / 640 nm = 1.25 mrad.
  ScanLight light;
  light.wavelength_m = 1e-10;
  light.mean_counts = device::Array<double, 2>({64, 80});
  light.mean_counts(32 + 8, 40) = light.mean_counts(32 - 8, 40) = 5;
  light.mean_counts(32, 40 + 10) = light.mean_counts(32, 40 - 10) = 5;  // pixels are narrower, as frames are wider
  Layout layout;
  layout.frame = {64, 80};
  layout.pixel_size_m = {1e-8, 1e-8};
  EXPECT_NEAR(farthest_defocus_m(light, layout), 640e-9 / (2 * std::sqrt(2.0) * 1.25e-3), 1e-12);
}

TEST(Defocus, FindsTheLowestR) {
  for (const double truth : {8.1e-4, -3.3e-4, 1e-6, 2.9e-3}) {
    const auto trials = search_defocus(3e-3, [&](double d) { return 0.1 + std::abs(std::atan(1e4 * (d - truth))); });
    const double found = trials.front().defocus_m;
    if (truth == 1e-6) {
      EXPECT_EQ(found, 0);
    } else {
      EXPECT_LT(std::abs(found / truth - 1), 0.1) << truth << ' ' << found;
    }
    EXPECT_LE(trials.size(), 23U);
    for (std::size_t i = 1; i < trials.size(); ++i) EXPECT_LE(trials[i - 1].r_factor, trials[i].r_factor);
  }
}

TEST(Defocus, PartOfALayoutKeepsItsPlace) {
  Layout layout;
  layout.frame = {8, 8};
  layout.object = {40, 50};
  layout.pixel_size_m = {1e-9, 2e-9};
  layout.origin_m = {1e-6, 2e-6};
  layout.windows = {{4, 4}, {10, 20}, {13, 18}, {30, 40}};
  const Layout part = layout_of(layout, {1, 2});
  EXPECT_EQ(part.windows, (std::vector<Yx<Index>>{{0, 2}, {3, 0}}));
  EXPECT_EQ(part.object, (Yx<Index>{11, 10}));
  EXPECT_NEAR(part.origin_m.y, 1e-6 + 10e-9, 1e-18);
  EXPECT_NEAR(part.origin_m.x, 2e-6 + 36e-9, 1e-18);
}

}  // namespace
}  // namespace ptychoflow::ptycho
