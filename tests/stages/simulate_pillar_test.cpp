// The specimen of tomograms: where it is in each scan, and what is said of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "core/base/units.hpp"
#include "tests/support/throws.hpp"
#include "tests/support/tomogram.hpp"

namespace ptychoflow::test {
namespace {

using stage::Json;

View<const Complex<double>, 3> object(const stage::Packet& packet) {
  return packet.at("truth_object").view<const Complex<double>, 3>();
}

/// Middle of the absorbed light, y, x.
std::array<double, 2> centre(const stage::Packet& packet) {
  const auto o = object(packet);
  double mass = 0, y_sum = 0, x_sum = 0;
  for (Index y = 0; y < o.extent(1); ++y) {
    for (Index x = 0; x < o.extent(2); ++x) {
      const double m = -std::log(abs(o(0, y, x)));
      mass += m;
      y_sum += m * static_cast<double>(y);
      x_sum += m * static_cast<double>(x);
    }
  }
  return {y_sum / mass, x_sum / mass};
}

// The pillar lies about the middle of the field, so that its volume, summed along v, is the projection at 0°: the edges
// of both are means over parts of pixels, not of the same parts, which is 1 % of the whole at most.
TEST(SimulatePillar, the_true_volume_lies_about_the_axis_and_the_middle_of_the_field) {
  const auto r = run(tomogram(2));
  const auto delta = r.packets[0].at("truth_volume").view<const float, 3>();
  const double k = 2 * pi / r.declared.metadata["wavelength_m"].get<double>();
  const double pixel_m = 1.0332e-10 * 0.25 / (32 * 55e-6);
  const auto o = object(r.packets[0]);
  const auto offsets = r.packets[0].at("truth_offset_px").view<const std::int32_t, 2>();
  const auto positions = r.packets[0].at("positions_m").view<const double, 2>();
  const Index y0 = offsets(0, 0) - std::lround(positions(0, 0) / pixel_m) + 16 - delta.extent(0) / 2;
  const Index x0 = offsets(0, 1) - std::lround(positions(0, 1) / pixel_m) + 16 - delta.extent(2) / 2;
  double darkest = 0;
  for (Index z = 0; z < delta.extent(0); ++z) {
    for (Index x = 0; x < delta.extent(2); ++x) {
      double sum = 0;
      for (Index y = 0; y < delta.extent(1); ++y) sum += delta(z, y, x);
      const double phase = -k * sum * pixel_m;
      darkest = std::min(darkest, phase);
      EXPECT_NEAR(std::remainder(arg(o(0, y0 + z, x0 + x)) - phase, 2 * pi), 0, 0.1) << z << ' ' << x;
    }
  }
  EXPECT_LT(darkest, -7.5);
  EXPECT_GT(darkest, -14);
  for (Index z : {Index{0}, delta.extent(0) - 1}) EXPECT_EQ(delta(z, delta.extent(1) / 2, delta.extent(2) / 2), 0);
}

TEST(SimulatePillar, moves_the_specimen_and_tells_nobody_but_the_truth) {
  auto params = tomogram({20, 20, 20, 20, 20});
  const auto still = run(params);
  params["tomogram"]["shift_m"] = {30e-9, 15e-9};
  const auto moved = run(params);
  const double pixel_m = 1.0332e-10 * 0.25 / (32 * 55e-6);
  std::set<double> shifts;
  for (std::size_t i = 0; i < 5; ++i) {
    const auto shift = moved.packets[i].metadata["truth_shift_px"].get<std::array<double, 2>>();
    EXPECT_LE(std::abs(shift[0]), 30e-9 / pixel_m);
    EXPECT_LE(std::abs(shift[1]), 15e-9 / pixel_m);
    shifts.insert(shift[0]);
    EXPECT_TRUE((same<double, 2>(still.packets[i].at("positions_m"), moved.packets[i].at("positions_m"))));
  }
  EXPECT_EQ(shifts.size(), 5u);
  // Pillars as large as the room left to them differ: with one diameter for both, they are where the shift says.
  params["specimen"].update({{"diameter_m", 250e-9}, {"height_m", 250e-9}, {"crystal_m", 40e-9}});
  const auto there = run(params);
  params["tomogram"].erase("shift_m");
  const auto here = run(params);
  for (std::size_t i = 0; i < 5; ++i) {
    const auto shift = there.packets[i].metadata["truth_shift_px"].get<std::array<double, 2>>();
    const auto from = centre(here.packets[i]), to = centre(there.packets[i]);
    // A pixel's few rays see an edge to a part of that.
    EXPECT_NEAR(to[0] - from[0], shift[0], 0.03);
    EXPECT_NEAR(to[1] - from[1], shift[1], 0.03);
  }
}

TEST(SimulatePillar, drifts_along_y_and_to_and_fro_along_x) {
  auto params = tomogram({0, 0, 0, 0, 0});
  params["tomogram"]["drift_m"] = {40e-9, 20e-9};
  const auto r = run(params);
  const double pixel_m = 1.0332e-10 * 0.25 / (32 * 55e-6);
  const double along_y[] = {-20, -10, 0, 10, 20}, along_x[] = {0, 10, 0, -10, 0};  // nm
  for (std::size_t i = 0; i < 5; ++i) {
    const auto shift = r.packets[i].metadata["truth_shift_px"].get<std::array<double, 2>>();
    EXPECT_NEAR(shift[0] * pixel_m, along_y[i] * 1e-9, 1e-13);
    EXPECT_NEAR(shift[1] * pixel_m, along_x[i] * 1e-9, 1e-13);
  }
}

TEST(SimulatePillar, keeps_air_on_both_sides_of_the_pillar) {
  auto params = tomogram(4);
  params["tomogram"].update({{"shift_m", 20e-9}, {"drift_m", 20e-9}});
  for (const auto& packet : run(params).packets) {
    const auto o = object(packet);
    const auto offsets = packet.at("truth_offset_px").view<const std::int32_t, 2>();
    Index first = 1000, last = 0;
    for (Index j = 0; j < offsets.extent(0); ++j) {
      first = std::min<Index>(first, offsets(j, 1) + 16);
      last = std::max<Index>(last, offsets(j, 1) + 16);
    }
    for (Index y = 0; y < o.extent(1); ++y) {
      EXPECT_EQ(abs(o(0, y, first)), 1) << "where the probe's middle first is";
      EXPECT_EQ(abs(o(0, y, last)), 1) << "and last";
    }
  }
}

TEST(SimulatePillar, a_pillar_without_a_tomogram_is_one_projection) {
  for (const Json& none : {Json(), Json::object(), Json{{"angles", nullptr}}}) {
    auto params = tomogram(1);
    params["tomogram"] = none;
    const auto r = run(params);
    ASSERT_EQ(r.packets.size(), 1u);
    EXPECT_EQ(r.packets[0].metadata["scan"], "stub");
    EXPECT_EQ(r.packets[0].metadata["rotation_deg"], 0.0);
    EXPECT_FALSE(r.packets[0].metadata.contains("scan_count"));
    EXPECT_FALSE(r.declared.has("truth_volume") || r.packets[0].has("truth_volume"));
    EXPECT_LT(abs(object(r.packets[0])(0, object(r.packets[0]).extent(1) / 2, object(r.packets[0]).extent(2) / 2)),
              0.9);
  }
}

TEST(SimulatePillar, takes_phase_and_amplitude_of_its_matrix_from_the_specimen) {
  auto params = tomogram(1);
  params["specimen"].update({{"crystals", 0}, {"pores", 0}, {"phase_min_rad", -2}, {"amplitude_min", 0.5}});
  const auto r = run(params);
  double least = 1, deepest = 0;
  for (const auto& v : object(r.packets[0])) {
    least = std::min(least, abs(v));
    deepest = std::min(deepest, arg(v));
  }
  EXPECT_NEAR(least, 0.5, 2e-3);
  EXPECT_NEAR(deepest, -2, 5e-3);
}

TEST(SimulatePillar, reports_the_pillar) {
  FakeHost host;
  LoadedStage simulate(STAGE_MODULE, host);
  auto params = tomogram(2);
  params["specimen"]["diameter_m"] = 200e-9;
  simulate.configure(params);
  simulate.produce();
  EXPECT_EQ(host.figures["pillar"]["diameter_m"], 200e-9);
  EXPECT_NEAR(host.figures["pillar"]["crystal_m"].get<double>(), 200e-9 / 7, 1e-15);
  EXPECT_EQ(host.figures["step_m"], 100e-9);
}

TEST(SimulatePillar, says_what_is_wrong_before_data_moves) {
  const auto refuse = [](Json params, ErrorCode code, std::initializer_list<const char*> parts) {
    FakeHost host;
    LoadedStage simulate(STAGE_MODULE, host);
    expect_error([&] { simulate.configure(params); }, code, parts);
  };
  auto params = tomogram(3);
  params["specimen"]["kind"] = "siemens_star";
  refuse(params, ErrorCode::usage, {"'siemens_star' is flat", "kind: pillar"});
  params["specimen"].erase("kind");
  refuse(params, ErrorCode::usage, {"'grains' is flat"});
  params = tomogram(nullptr);
  params["tomogram"]["shift_m"] = 1e-9;
  refuse(params, ErrorCode::usage, {"without angles", "give angles"});
  params = tomogram(3);
  params["specimen"]["diameter_m"] = 450e-9;
  refuse(params, ErrorCode::usage,
         {"scan's field, 4.99e-07 m", "pillar 4.5e-07 m wide", "it must be", "smaller diameter_m"});
  params = tomogram(3);
  params["tomogram"]["shift_m"] = 180e-9;
  refuse(params, ErrorCode::usage, {"too narrow for a pillar", "shifts of 1.8e-07 m"});
  params = tomogram(3);
  params["specimen"]["phase_min_rad"] = 2;
  refuse(params, ErrorCode::usage, {"phase_min_rad = 2 must be negative"});
  params = tomogram(3);
  params["specimen"]["crystals"] = 5000;
  refuse(params, ErrorCode::usage, {"of 5001 crystals and pores", "found room"});
  params = tomogram(3);
  params["detector"]["frame_size"] = {32, 40};
  refuse(params, ErrorCode::usage, {"are not square", "square frame_size"});
  params = tomogram(3);
  params["specimen"].update({{"height_m", 1}, {"crystals", 0}, {"pores", 0}});
  refuse(params, ErrorCode::resource, {"true volume of", "GiB", "smaller diameter_m or height_m"});
}

}  // namespace
}  // namespace ptychoflow::test
