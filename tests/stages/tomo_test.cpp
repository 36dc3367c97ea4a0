// The stage itself: what it takes, makes of it, passes on and refuses. How methods reconstruct: tests/unit/tomo_*.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "core/base/units.hpp"
#include "core/device/array.hpp"
#include "tests/support/fake_host.hpp"

namespace ptychoflow::test {
namespace {

using stage::Json;
using stage::Packet;
using stage::Tensor;
using Stack = device::Array<float, 3>;

constexpr Index angles = 60, height = 5, width = 48;
constexpr double wavelength_m = 1e-10, pixel_m = 2e-8, axis_px = 24.25;

std::vector<double> even_degrees(Index count = angles) {
  std::vector<double> degrees;
  for (Index a = 0; a < count; ++a) degrees.push_back(180.0 * static_cast<double>(a) / static_cast<double>(count));
  return degrees;
}

/// A rod along the axis, of radius 12 px at u = 5, v = 3, seen exactly; δ = (1 + z)·1e-6 and β a tenth of that.
Packet series(const std::vector<double>& degrees = even_degrees()) {
  const auto count = static_cast<Index>(degrees.size());
  Stack phase({count, height, width}), absorption({count, height, width});
  const double k = 2 * pi / wavelength_m;
  for (Index a = 0; a < count; ++a) {
    const double t = degrees[static_cast<std::size_t>(a)] * pi / 180;
    for (Index z = 0; z < height; ++z) {
      for (Index x = 0; x < width; ++x) {
        const double d = static_cast<double>(x) - axis_px - 5 * std::cos(t) - 3 * std::sin(t);
        const double path_m = pixel_m * 2 * std::sqrt(std::max(0.0, 144 - d * d));
        const double delta = static_cast<double>(1 + z) * 1e-6;
        phase(a, z, x) = static_cast<float>(-k * delta * path_m);
        absorption(a, z, x) = static_cast<float>(0.1 * k * delta * path_m);
      }
    }
  }
  Packet packet;
  packet.tensors.emplace("projections", Tensor::own(std::move(phase)));
  packet.tensors.emplace("absorption_projections", Tensor::own(std::move(absorption)));
  packet.tensors.emplace("projection_deg", Tensor::own(degrees, {count}));
  packet.tensors.emplace("truth_volume", Tensor::own(Stack({1, 2, 2})));
  packet.metadata = {{"rotation_axis_px", axis_px},
                     {"pixel_size_m", {pixel_m, pixel_m}},
                     {"wavelength_m", wavelength_m},
                     {"series", "rod"},
                     {"projection_count", count}};
  return packet;
}

stage::Description description(bool with_absorption = true) {
  stage::Description d;
  for (const char* name : {"projections", "projection_deg", "truth_volume"}) d.add(name, "", {}, "", "");
  if (with_absorption) d.add("absorption_projections", "", {}, "", "");
  return d;
}

/// Mean over the rod's inside.
double rod(View<const float, 2> slice) {
  double sum = 0, count = 0;
  for (Index y = 0; y < width; ++y) {
    for (Index x = 0; x < width; ++x) {
      if (std::hypot(static_cast<double>(x) - 23.5 - 5, static_cast<double>(y) - 23.5 - 3) > 9) continue;
      sum += static_cast<double>(slice(y, x)), ++count;
    }
  }
  return sum / count;
}

std::string message_of(ErrorCode code, const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  return "nothing thrown";
}

std::string refusal(Packet packet, ErrorCode code = ErrorCode::data) {
  FakeHost host;
  LoadedStage tomo(STAGE_MODULE, host);
  tomo.configure(Json::object(), description());
  const std::string text = message_of(code, [&] { tomo.process(std::move(packet)); });
  EXPECT_TRUE(host.packets.empty());
  return text;
}

void expect_in(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

class TomoMethods : public testing::TestWithParam<Json> {};

TEST_P(TomoMethods, GiveDeltaAndBeta) {
  FakeHost host;
  LoadedStage tomo(STAGE_MODULE, host);
  tomo.configure(GetParam(), description());
  tomo.process(series());
  ASSERT_EQ(host.packets.size(), 1u);
  const Packet& packet = host.packets[0];
  const auto delta = packet.at("volume").view<const float, 3>(), beta = packet.at("volume_beta").view<const float, 3>();
  ASSERT_EQ(delta.extents(), (Extents<3>{height, width, width}));
  for (Index z = 0; z < height; ++z) {
    const double expected = static_cast<double>(1 + z) * 1e-6;
    EXPECT_NEAR(rod(delta[z]), expected, 0.02 * expected) << z;  // sampled angles and pixels
    EXPECT_NEAR(rod(beta[z]), 0.1 * expected, 0.002 * expected) << z;
  }
}

INSTANTIATE_TEST_SUITE_P(All, TomoMethods,
                         testing::Values(Json::object(), Json{{"filter", "shepp_logan"}}, Json{{"filter", "hann"}},
                                         Json{{"filter", "butterworth"}}, Json{{"filter", "derivative"}},
                                         Json{{"method", "sirt"}, {"positivity", true}, {"iterations", 60}},
                                         Json{{"method", "cgls"}, {"iterations", 12}}));

TEST(Tomo, PassesSlabsOnWithTheirPlaceInTheVolume) {
  FakeHost host;
  LoadedStage tomo(STAGE_MODULE, host);
  const auto output = tomo.configure({{"slab_slices", 2}, {"half_series", true}}, description());
  EXPECT_TRUE(output.has("volume") && output.has("volume_beta") && output.has("volume_halves"));
  EXPECT_TRUE(output.has("truth_volume"));
  EXPECT_FALSE(output.has("projections") || output.has("absorption_projections") || output.has("projection_deg"));
  tomo.process(series());
  ASSERT_EQ(host.packets.size(), 3u);
  for (Index i = 0; i < 3; ++i) {
    const Packet& packet = host.packets[static_cast<std::size_t>(i)];
    const Index count = i == 2 ? 1 : 2;
    EXPECT_EQ(packet.metadata.at("slab_first"), 2 * i);
    EXPECT_EQ(packet.metadata.at("ends_volume"), i == 2);
    EXPECT_EQ(packet.metadata.at("volume_shape"), (Json{height, width, width}));
    EXPECT_EQ(packet.metadata.at("voxel_size_m"), (Json{pixel_m, pixel_m, pixel_m}));
    EXPECT_EQ(packet.metadata.at("series"), "rod");
    EXPECT_EQ(packet.has("truth_volume"), i == 0);
    EXPECT_FALSE(packet.has("projections") || packet.has("projection_deg"));
    EXPECT_EQ(packet.at("volume").shape(), (std::vector<std::int64_t>{count, width, width}));
    const auto halves = packet.at("volume_halves").view<const float, 4>();
    ASSERT_EQ(halves.extents(), (Extents<4>{2, count, width, width}));
    const double expected = static_cast<double>(1 + 2 * i) * 1e-6;
    EXPECT_NEAR(rod(packet.at("volume").view<const float, 3>()[0]), expected, 0.02 * expected);
    for (Index h = 0; h < 2; ++h) EXPECT_NEAR(rod(halves[h][0]), expected, 0.03 * expected) << h;
    EXPECT_NE(halves(0, 0, 20, 20), halves(1, 0, 20, 20));
  }
}

TEST(Tomo, WithoutAbsorptionThereIsNoBeta) {
  FakeHost host;
  LoadedStage tomo(STAGE_MODULE, host);
  EXPECT_FALSE(tomo.configure(Json::object(), description(false)).has("volume_beta"));
  Packet packet = series();
  packet.tensors.erase("absorption_projections");
  tomo.process(std::move(packet));
  EXPECT_TRUE(host.packets.at(0).has("volume"));
  EXPECT_FALSE(host.packets.at(0).has("volume_beta") || host.packets.at(0).has("volume_halves"));
}

TEST(Tomo, OtherPacketsPass) {
  FakeHost host;
  LoadedStage tomo(STAGE_MODULE, host);
  tomo.configure(Json::object(), description());
  Packet packet;
  packet.metadata = {{"scan", "s"}};
  tomo.process(std::move(packet));
  EXPECT_EQ(host.packets.at(0).metadata.at("scan"), "s");
}

TEST(Tomo, StopsAfterASlab) {
  FakeHost host;
  host.stop = true;
  LoadedStage tomo(STAGE_MODULE, host);
  tomo.configure({{"slab_slices", 2}}, description());
  tomo.process(series());
  EXPECT_EQ(host.packets.size(), 1u);
  expect_in(host.log_text(), "stopped: 2 of 5 slices are reconstructed");
}

TEST(Tomo, WarnsOfFewAnglesAndSaysTheVolumesSize) {
  FakeHost host;
  LoadedStage tomo(STAGE_MODULE, host);
  tomo.configure(Json::object(), description());
  tomo.process(series());
  EXPECT_EQ(host.log_text().find("few"), std::string::npos);  // 60, and π/2 · 48/4 = 19 are enough
  expect_in(host.log_text(), "volume of 5 × 48 × 48 voxels, 4.61e-05 GB, in slabs of 5 slices");
  tomo.process(series(even_degrees(18)));
  expect_in(host.log_text(),
            "18 projections are few for 48 pixels of width: expect streaks (detail to the pixel takes some 75");
}

TEST(Tomo, PositivityIsOfSirtAlone) {
  FakeHost host;
  LoadedStage tomo(STAGE_MODULE, host);
  expect_in(message_of(ErrorCode::usage,
                       [&] {
                         tomo.configure({{"method", "cgls"}, {"positivity", true}}, description());
                       }),
            "positivity goes with method: sirt alone, not with cgls");
}

TEST(Tomo, RefusesAngles) {
  expect_in(refusal(series({0, 90})), "2 projections are too few: a slice needs at least 3 angles");
  expect_in(refusal(series({0, 10, 20, 370.0000005, 30})),
            "projections 1 and 3 have the same angle, 10 and 370.0000005°");
  expect_in(refusal(series({359.9999999, 10, 20, 0})), "projections 0 and 3 have the same angle");
  expect_in(refusal(series({0, 1, std::numeric_limits<double>::quiet_NaN()})), "angle of projection 2 is not a number");
  for (const double turn : {pi, 2 * pi}) {
    for (const double intervals : {9.0, 10.0}) {  // with and without the end
      std::vector<double> radians;
      for (int i = 0; i < 10; ++i) radians.push_back(turn * i / intervals);
      expect_in(refusal(series(radians)), "look like radians: set them in degrees");
    }
  }
}

TEST(Tomo, RefusesASeriesThatIsNotDescribed) {
  for (const char* key : {"rotation_axis_px", "wavelength_m", "pixel_size_m"}) {
    Packet packet = series();
    packet.metadata.erase(key);
    expect_in(refusal(std::move(packet)), std::string("the projections came without ") + key);
  }
  Packet packet = series();
  packet.metadata["pixel_size_m"] = {2.1e-8, 2e-8};
  expect_in(refusal(std::move(packet)), "pixels of 2.1e-08 × 2e-08 m (y, x) are not square");
  packet = series();
  packet.metadata["wavelength_m"] = 0;
  expect_in(refusal(std::move(packet)), "must be above zero");
  packet = series();
  packet.metadata["rotation_axis_px"] = 48;
  expect_in(refusal(std::move(packet)),
            "the rotation axis at x = 48 is not in the projections, which are 48 pixels wide");
  packet = series();
  packet.tensors.erase("projections");
  expect_in(refusal(std::move(packet)), "a series came without its projections");
}

TEST(Tomo, RefusesTensorsThatDoNotFit) {
  Packet packet = series();
  packet.tensors["projection_deg"] = Tensor::own(even_degrees(59), {59});
  expect_in(refusal(std::move(packet)), "60 projections came with 59 angles");
  packet = series();
  packet.tensors["absorption_projections"] = Tensor::own(Stack({angles, height, width - 1}));
  expect_in(refusal(std::move(packet)), "absorption_projections have another shape");
  packet = series();
  packet.tensors["projections"] = Tensor::own(Stack({angles, height, 1}));
  expect_in(refusal(std::move(packet)), "projections of 5 × 1 pixels cannot be reconstructed");
  for (const char* name : {"projections", "absorption_projections"}) {
    packet = series();
    packet.at(name).view<float, 3>()(7, 2, 30) = std::numeric_limits<float>::quiet_NaN();
    expect_in(refusal(std::move(packet)),
              std::string(name) + ": projection 7 has a value that is not a finite number, at y = 2, x = 30");
  }
}

TEST(Tomo, RefusesWhatNoMachineHolds) {
  Packet packet = series({0, 60, 120});
  packet.tensors.erase("absorption_projections");
  packet.tensors["projections"] = Tensor::own(Stack({3, 1, 2000000}));  // a slice of 16 TB
  const std::string text = refusal(std::move(packet), ErrorCode::resource);
  expect_in(text,
            "a slab of 1 slices of 2000000 × 2000000 pixels takes 2.72e+05 GB, with the 16 that are made side by side, "
            "and the "
            "projections 0.024 GB");
  expect_in(text, "crop or bin the projections");
}

}  // namespace
}  // namespace ptychoflow::test
