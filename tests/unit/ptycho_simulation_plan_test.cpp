#include "core/ptycho/simulation_plan.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/base/error.hpp"

namespace ptychoflow::ptycho {
namespace {

/// A scan small enough to make many times: 5 frames of 48 × 40 pixels.
SimulationSettings small() {
  SimulationSettings s;
  s.optics = {1e-10, 1.0, {50e-6, 60e-6}, {48, 40}};  // object pixel 41.7 nm
  s.probe = ProbeKind::gaussian;
  s.gaussian_m = 300e-9;
  s.frame_count = 5;
  s.photons = 1e5;
  return s;
}

std::string refusal(const SimulationSettings& s, ErrorCode code) {
  try {
    SimulationPlan plan(s);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(Modes, are_orthogonal_and_have_their_powers) {
  const Grid grid{{64, 64}, {10e-9, 10e-9}};
  auto main = zone_plate(grid, {100e-6, 40e-9, 30e-6, 80e-6}, 1e-10);
  scale_to_power(main, 500);
  for (auto plane : {ModePlane::sample, ModePlane::far_field}) {
    const auto modes = incoherent_modes(main, {6, 2, 1, 0.5, 0.3, 0.2, 0.1}, plane);
    for (Index a = 0; a < 7; ++a) {
      for (Index b = 0; b <= a; ++b) {
        Complex<double> product;
        for (Index i = 0; i < 64 * 64; ++i) product += conj(modes[a].data()[i]) * modes[b].data()[i];
        const double wanted[] = {6, 2, 1, 0.5, 0.3, 0.2, 0.1};
        EXPECT_NEAR(abs(product), a == b ? 500 * wanted[a] / 10.1 : 0, 1e-9) << a << ' ' << b;
      }
    }
    for (Index i = 0; i < 64 * 64; ++i) {
      EXPECT_NEAR(abs(modes[0].data()[i] - std::sqrt(6 / 10.1) * main.data()[i]), 0, 1e-10);
    }
  }
}

TEST(Modes, more_than_a_probe_of_one_pixel_can_have_are_refused) {
  const auto main = circular_aperture({{8, 8}, {1, 1}}, 0.5);
  EXPECT_THROW(incoherent_modes(main, {1, 1}, ModePlane::sample), Error);
}

TEST(Plan, positions_are_whole_pixels_and_agree_with_the_truths_windows) {
  const SimulationPlan plan(small());
  for (Index j = 0; j < 5; ++j) {
    const auto& at = plan.positions_m[static_cast<std::size_t>(j)];
    const auto& first = plan.positions_m[0];
    const Yx<Index> offset = plan.offset_px(j), origin = plan.offset_px(0);
    EXPECT_NEAR((at.y - first.y) / plan.grid.pixel_m.y, static_cast<double>(offset.y - origin.y), 1e-9);
    EXPECT_NEAR((at.x - first.x) / plan.grid.pixel_m.x, static_cast<double>(offset.x - origin.x), 1e-9);
    EXPECT_GE(std::min(offset.y, offset.x), 0);
    EXPECT_LE(offset.y + 48, plan.object_shape.y);
    EXPECT_LE(offset.x + 40, plan.object_shape.x);
  }
}

TEST(Plan, step_follows_the_overlap_and_little_overlap_is_a_warning) {
  auto s = small();
  s.overlap = 0.6;
  const SimulationPlan good(s);
  EXPECT_NEAR(good.step_m, 0.4 * good.probe_diameter_m, 1e-15);
  EXPECT_TRUE(good.warnings.empty());
  s.step_m = 0.7 * good.probe_diameter_m;
  const SimulationPlan thin(s);
  EXPECT_NEAR(thin.overlap, 0.3, 1e-9);
  ASSERT_EQ(thin.warnings.size(), 1u);
  EXPECT_NE(thin.warnings[0].find("smaller step"), std::string::npos) << thin.warnings[0];
}

TEST(Plan, a_probe_wider_than_the_window_is_refused_with_a_mend) {
  auto s = small();
  s.gaussian_m = 3e-6;
  EXPECT_NE(refusal(s, ErrorCode::usage).find("fwhm_m"), std::string::npos);
}

TEST(Plan, an_object_larger_than_memory_is_refused_before_it_is_made) {
  auto s = small();
  s.step_m = 1.0;
  const auto text = refusal(s, ErrorCode::resource);
  EXPECT_NE(text.find("GiB"), std::string::npos) << text;
  EXPECT_NE(text.find("smaller step"), std::string::npos) << text;
}

TEST(Plan, numbers_out_of_range_are_refused) {
  for (auto spoil : std::vector<void (*)(SimulationSettings&)>{
           [](auto& s) { s.mode_powers = {}; },
           [](auto& s) {
             s.mode_powers = {1, -1};
           },
           [](auto& s) { s.photons = 0; }, [](auto& s) { s.dead_fraction = 1; }, [](auto& s) { s.overlap = 1; },
           [](auto& s) { s.fly_steps = 0; }, [](auto& s) { s.specimen.amplitude_min = 0; },
           [](auto& s) { s.frame_count = 0; }}) {
    auto s = small();
    spoil(s);
    EXPECT_FALSE(refusal(s, ErrorCode::usage).empty());
  }
}

TEST(SimulationPlan, its_middle_is_where_position_zero_is_lit) {
  SimulationSettings s;
  for (auto placement : {Placement::whole_pixel, Placement::subpixel}) {
    s.placement = placement;
    const SimulationPlan plan(s);
    const auto middle = plan.middle_px();
    for (std::size_t j = 0; j < plan.positions_m.size(); ++j) {
      EXPECT_NEAR(middle.y + plan.positions_m[j].y / plan.grid.pixel_m.y, plan.positions_px[j].y + 64, 1e-6);
      EXPECT_NEAR(middle.x + plan.positions_m[j].x / plan.grid.pixel_m.x, plan.positions_px[j].x + 64, 1e-6);
    }
    EXPECT_EQ(middle.x, std::round(middle.x));
  }
}

}  // namespace
}  // namespace ptychoflow::ptycho
