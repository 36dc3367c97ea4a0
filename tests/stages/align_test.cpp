#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "core/tomo/sine_fit.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/throws.hpp"
#include "tests/support/turning_sample.hpp"

namespace ptychoflow::test {
namespace {

using stage::Json;
using stage::Packet;
using stage::Tensor;

constexpr Index angles = 30, height = 64, width = 80;
constexpr double axis_px = 41.2, pixel_m = 2e-8;

stage::Description description() {
  stage::Description d;
  d.add("phase", "float32", {nullptr, nullptr}, "y:x", "rad");
  d.add("absorption", "float32", {nullptr, nullptr}, "y:x", "1");
  d.add("probe", "complex64", {1, 32, 32}, "mode:y:x", "");
  d.add("truth_volume", "float32", {4, 4, 4}, "z:y:x", "1");
  d.metadata = {{"series", "pillar"}, {"rotation_deg", 0}};
  return d;
}

Packet scan(const TurningSample& s, Index a) {
  device::Array<float, 2> phase({height, width}), absorption({height, width});
  std::copy_n(s.phase[a].data(), phase.size(), phase.data());
  for (Index i = 0; i < phase.size(); ++i) absorption.data()[i] = -0.1F * phase.data()[i];
  Packet p;
  p.tensors.emplace("phase", Tensor::own(std::move(phase)));
  p.tensors.emplace("absorption", Tensor::own(std::move(absorption)));
  p.tensors.emplace("probe", Tensor::own(device::Array<Complex<float>, 3>({1, 32, 32})));
  if (a == 0) p.tensors.emplace("truth_volume", Tensor::own(device::Array<float, 3>({4, 4, 4})));
  p.metadata = {{"scan", "pillar_" + std::to_string(a + 1)},
                {"series", "pillar"},
                {"rotation_deg", s.angle_rad[static_cast<std::size_t>(a)] * 180 / pi},
                {"pixel_size_m", {pixel_m, pixel_m}},
                {"object_origin_m", {-5e-7, -7e-7}},
                {"wavelength_m", 1e-10},
                {"ends_scan", true}};
  return p;
}

/// Every scan once, in an order that jumps about, as golden-ratio scans do.
std::vector<Packet> scans(const TurningSample& s) {
  std::vector<Packet> all;
  for (Index i = 0; i < angles; ++i) all.push_back(scan(s, i * 11 % angles));
  return all;
}

void feed(FakeHost& host, const Json& params, std::vector<Packet> packets) {
  LoadedStage align(STAGE_MODULE, host);
  align.configure(params, description());
  for (auto& p : packets) align.process(std::move(p));
  EXPECT_TRUE(host.packets.empty()) << "a stack goes out when the last scan is there";
  align.finalize();
}

/// How far the shifts are from undoing the displacements, rms, less what nobody can know: a height, and where the
/// sample is.
tomo::Shift residual_rms(const TurningSample& s, View<const double, 2> shift_px) {
  std::vector<double> y, x;
  for (Index a = 0; a < angles; ++a) {
    const tomo::Shift& by = s.moved[static_cast<std::size_t>(a)];
    y.push_back(shift_px(a, 0) + by.y_px);
    x.push_back(shift_px(a, 1) + by.x_px);
  }
  const double mean = std::accumulate(y.begin(), y.end(), 0.0) / static_cast<double>(angles);
  const tomo::Sine path = tomo::fit_sine(x, s.angle_rad);
  tomo::Shift square;
  for (std::size_t a = 0; a < y.size(); ++a) {
    square.y_px += std::pow(y[a] - mean, 2) / static_cast<double>(angles);
    square.x_px += std::pow(x[a] - path.at(s.angle_rad[a]), 2) / static_cast<double>(angles);
  }
  return {std::sqrt(square.y_px), std::sqrt(square.x_px)};
}

TEST(Align, PassesOnOneAlignedStackInTheOrderOfAngles) {
  const auto s = turning_sample(angles, {height, width}, axis_px, {6, 0.01, 0});
  FakeHost host;
  feed(host, Json::object(), scans(s));
  ASSERT_EQ(host.packets.size(), 1U);
  const Packet& out = host.packets[0];
  EXPECT_FALSE(out.has("probe"));
  EXPECT_FALSE(out.has("phase"));
  EXPECT_TRUE(out.has("truth_volume"));
  const auto degrees = out.at("projection_deg").view<const double, 1>();
  ASSERT_EQ(degrees.size(), angles);
  for (Index a = 0; a < angles; ++a) EXPECT_NEAR(degrees(a), 6.0 * static_cast<double>(a), 1e-9);

  const auto projections = out.at("projections").view<const float, 3>();
  const auto absorption = out.at("absorption_projections").view<const float, 3>();
  ASSERT_EQ(projections.extents(), absorption.extents());
  EXPECT_EQ(projections.extent(0), angles);
  EXPECT_EQ(projections.extent(2), width);
  EXPECT_LT(projections.extent(1), height) << "rows that not all projections have are cut off";
  EXPECT_GT(projections.extent(1), height - 14);
  for (Index i = 0; i < projections.size(); ++i)
    ASSERT_NEAR(absorption.data()[i], -0.1F * projections.data()[i], 1e-5) << "both are moved alike";

  const auto shift = out.at("projection_shift_px").view<const double, 2>();
  ASSERT_EQ(shift.extent(0), angles);
  EXPECT_LT(residual_rms(s, shift).y_px, 0.1);
  EXPECT_LT(residual_rms(s, shift).x_px, 0.1);
  EXPECT_EQ(out.metadata["series"], "pillar");
  EXPECT_EQ(out.metadata["projection_count"], angles);
  EXPECT_EQ(out.metadata["wavelength_m"], 1e-10);
  EXPECT_EQ(out.metadata["pixel_size_m"], (Json{pixel_m, pixel_m}));
  EXPECT_FALSE(out.metadata.contains("scan"));
  EXPECT_FALSE(out.metadata.contains("rotation_deg"));
  EXPECT_NEAR(out.metadata["rotation_axis_px"].get<double>(), host.figures["alignment"]["rotation_axis_px"], 1e-12);
  EXPECT_EQ(host.figures["alignment"]["shift_px"].size(), static_cast<std::size_t>(angles));
  EXPECT_NE(host.log_text().find("aligned 30 projections"), std::string::npos) << host.log_text();
}

TEST(Align, DeclaresTheStackAndNothingOfASingleScan) {
  FakeHost host;
  LoadedStage align(STAGE_MODULE, host);
  const auto declared = align.configure(Json::object(), description());
  for (const char* name : {"projections", "absorption_projections", "projection_deg", "truth_volume"})
    EXPECT_TRUE(declared.has(name)) << name;
  EXPECT_FALSE(declared.has("probe"));
  EXPECT_FALSE(declared.has("phase"));
  EXPECT_FALSE(declared.metadata.contains("rotation_deg"));
}

TEST(Align, WithoutAlignmentProjectionsStayInTheirPlaces) {
  const auto s = turning_sample(angles, {height, width}, axis_px, {});
  FakeHost host;
  feed(host, {{"method", "none"}}, scans(s));
  const auto projections = host.packets.at(0).at("projections").view<const float, 3>();
  ASSERT_EQ(projections.extents(), s.phase.extents());
  EXPECT_TRUE(std::equal(projections.begin(), projections.end(), s.phase.begin(),
                         [](float a, float b) { return std::abs(a - b) < 1e-5F; }));
  EXPECT_NEAR(host.packets[0].metadata["rotation_axis_px"].get<double>(), axis_px, 0.1);
}

TEST(Align, SaysWhichScansReachTheLimitAndWhenItHasNotSettled) {
  const auto s = turning_sample(angles, {height, width}, axis_px, {6, 0.05, 0});
  FakeHost host;
  feed(host, {{"max_shift_px", 3}, {"max_iterations", 1}}, scans(s));
  EXPECT_NE(host.log_text().find("would have to be moved farther than max_shift_px = 3"), std::string::npos)
      << host.log_text();
  EXPECT_NE(host.log_text().find("alignment has not settled"), std::string::npos) << host.log_text();
}

TEST(Align, PassesNothingOnWhenAskedToStop) {
  const auto s = turning_sample(angles, {height, width}, axis_px, {});
  FakeHost host;
  host.stop = true;
  feed(host, Json::object(), scans(s));
  EXPECT_TRUE(host.packets.empty());
  EXPECT_NE(host.log_text().find("asked to stop"), std::string::npos) << host.log_text();
}

TEST(Align, RefusesWhatIsNoSeries) {
  const auto s = turning_sample(angles, {height, width}, axis_px, {});
  const auto refusal = [&](const std::function<void(std::vector<Packet>&)>& spoil,
                           std::initializer_list<const char*> parts) {
    FakeHost host;
    auto packets = scans(s);
    spoil(packets);
    expect_error([&] { feed(host, Json::object(), std::move(packets)); }, ErrorCode::data, parts);
  };
  refusal([](auto& p) { p.resize(2); }, {"needs at least 3 projections, and 2 came"});
  refusal([](auto& p) { p[4].metadata.erase("rotation_deg"); }, {"scan 'pillar_15' came without rotation_deg"});
  refusal([](auto& p) { p[4].metadata["rotation_deg"] = nullptr; }, {"scan 'pillar_15' came without rotation_deg"});
  refusal([](auto& p) { p[3].metadata["rotation_deg"] = p[4].metadata["rotation_deg"]; },
          {"'pillar_4'", "'pillar_15'", "both have the angle 84°"});
  refusal([](auto& p) { p[3].metadata["pixel_size_m"] = {pixel_m, 1.1 * pixel_m}; }, {"pixels of scan"});
  refusal([](auto& p) { p[0].at("phase").template view<float, 2>()(3, 7) = std::numeric_limits<float>::quiet_NaN(); },
          {"the phase of scan 'pillar_1' is nan at pixel y 3, x 7"});
  refusal(
      [](auto& packets) {
        for (auto& p : packets)
          p.metadata["rotation_deg"] = p.metadata["rotation_deg"].template get<double>() * pi / 180;
      },
      {"scans 'pillar_1' to 'pillar_30', 0 to 3.037, look like radians"});
}

}  // namespace
}  // namespace ptychoflow::test
