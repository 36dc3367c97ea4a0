#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/device/array.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::test {
namespace {

using stage::Json;
using stage::Packet;
using stage::Tensor;

constexpr Index height = 80, width = 96;

double true_phase(Index y, Index x) {
  const double r = std::hypot(static_cast<double>(y - 40), static_cast<double>(x - 48)) / 24;
  return r < 1 ? -9 * (1 - r * r) : 0;
}

/// A lens of 9 rad that absorbs, under a ramp, in amplitudes of 1.7; not lit in its first rows.
template <class T = float>
Packet scan() {
  device::Array<Complex<T>, 3> object({1, height, width});
  device::Array<float, 2> coverage({height, width});
  for (Index y = 0; y < height; ++y) {
    for (Index x = 0; x < width; ++x) {
      const double ramp = 0.7 + 0.05 * static_cast<double>(y) - 0.08 * static_cast<double>(x);
      const auto v = polar(1.7 * std::exp(0.02 * true_phase(y, x)), true_phase(y, x) + ramp);
      object(0, y, x) = {static_cast<T>(v.re), static_cast<T>(v.im)};
      coverage(y, x) = y < 3 ? 0.05f : 0.8f;
    }
  }
  Packet packet;
  packet.tensors.emplace("object", Tensor::own(std::move(object)));
  packet.tensors.emplace("object_coverage", Tensor::own(std::move(coverage)));
  packet.metadata = {{"scan", "s1"}, {"ends_scan", true}};
  return packet;
}

stage::Description description() {
  stage::Description d;
  d.add("object", "", {}, "", "");
  return d;
}

Packet through(FakeHost& host, const Json& params, Packet packet) {
  LoadedStage unwrap(STAGE_MODULE, host);
  unwrap.configure(params, description());
  unwrap.process(std::move(packet));
  return std::move(host.packets.back());
}

/// Largest errors in lit pixels, and that all others are 0. The rim of the lens has slopes up to 0.75 rad a pixel.
void expect_lens(const Packet& packet, double tolerance_rad) {
  const auto phase = packet.at("phase").view<const float, 2>(),
             absorption = packet.at("absorption").view<const float, 2>(),
             weight = packet.at("phase_weight").view<const float, 2>();
  double phase_error = 0, absorption_error = 0;
  for (Index y = 0; y < height; ++y) {
    for (Index x = 0; x < width; ++x) {
      if (y < 3) {
        EXPECT_EQ(phase(y, x), 0);
        EXPECT_EQ(absorption(y, x), 0);
        EXPECT_EQ(weight(y, x), 0);
        continue;
      }
      EXPECT_GT(weight(y, x), 0);
      EXPECT_LE(weight(y, x), 1);
      phase_error = std::max(phase_error, std::abs(static_cast<double>(phase(y, x)) - true_phase(y, x)));
      absorption_error =
          std::max(absorption_error, std::abs(static_cast<double>(absorption(y, x)) + 0.02 * true_phase(y, x)));
    }
  }
  EXPECT_LT(phase_error, tolerance_rad);
  EXPECT_LT(absorption_error, tolerance_rad);
  EXPECT_LT(weight(40, 48), weight(5, 5));  // darker
}

TEST(PhaseUnwrap, FindsAirByItself) {
  for (const char* method : {"quality_guided", "least_squares"}) {
    FakeHost host;
    const Packet out = through(host, {{"method", method}}, scan());
    expect_lens(out, 0.02);  // the thinnest rim of the lens counts as air
    EXPECT_TRUE(out.has("object"));
    EXPECT_TRUE(out.has("object_coverage"));
    EXPECT_TRUE(out.ends_scan());
    const Json& figures = host.figures.at("phase_unwrap").at("s1");
    EXPECT_EQ(figures.at("residues"), 0);
    EXPECT_EQ(figures.at("trusted_px"), (height - 3) * width);
    EXPECT_EQ(figures.at("ramp"), "air");
    EXPECT_NEAR(figures.at("ramp_rad_per_px")[1], -0.08, 1e-3);
    EXPECT_NE(host.log_text().find("scan 's1': 0 residues, 7392 of 7680 pixels trusted, ramp from air found"),
              std::string::npos)
        << host.log_text();
  }
}

TEST(PhaseUnwrap, TakesTheAirGiven) {
  FakeHost host;
  const Packet out = through(host, {{"ramp", "air"}, {"air", {{0, 0, 80, 20}, {0, 76, 80, 96}}}}, scan<double>());
  expect_lens(out, 1e-4);  // float32 of some rad
  EXPECT_NE(host.log_text().find("ramp from the air given"), std::string::npos);
}

TEST(PhaseUnwrap, FitsTheBulk) {
  FakeHost host;
  const Packet out = through(host, {{"ramp", "fit"}}, scan());
  expect_lens(out, 0.02);  // a quarter of the image is lens, and stands out
  EXPECT_EQ(host.figures["phase_unwrap"]["s1"]["ramp"], "fit");
}

TEST(PhaseUnwrap, KeepsTheRampAndTheScale) {
  FakeHost host;
  const Packet out = through(host, {{"ramp", "none"}}, scan());
  const auto phase = out.at("phase").view<const float, 2>();
  EXPECT_NEAR(phase(5, 0) - phase(5, 90), 0.08 * 90, 1e-4);
  EXPECT_NEAR((out.at("absorption").view<const float, 2>()(5, 0)), -std::log(1.7), 1e-5);
}

float first_weight(const Packet& packet) { return packet.at("phase_weight").view<const float, 2>()(0, 0); }

TEST(PhaseUnwrap, TrustsWhatMinCoverageAllowsAndAllWithoutCoverage) {
  FakeHost host;
  const Packet all = through(host, {{"min_coverage", 0.04}}, scan());
  EXPECT_GT(first_weight(all), 0);
  Packet without = scan();
  without.take("object_coverage");
  EXPECT_EQ(first_weight(through(host, Json::object(), std::move(without))), 1);
}

TEST(PhaseUnwrap, PassesOnWhatHasNoObject) {
  FakeHost host;
  Packet frames;
  frames.metadata = {{"scan", "s1"}};
  frames.tensors.emplace("frames", Tensor::own(std::vector<float>(4), {1, 2, 2}));
  const Packet out = through(host, Json::object(), std::move(frames));
  EXPECT_TRUE(out.has("frames"));
  EXPECT_FALSE(out.has("phase"));
  EXPECT_TRUE(host.figures.empty());
}

TEST(PhaseUnwrap, DeclaresWhatItAdds) {
  FakeHost host;
  LoadedStage unwrap(STAGE_MODULE, host);
  const auto output = unwrap.configure(Json::object(), description());
  for (const char* name : {"object", "phase", "absorption", "phase_weight"}) EXPECT_TRUE(output.has(name)) << name;
  EXPECT_EQ(output.tensors.at("phase").at("unit"), "rad");
}

TEST(PhaseUnwrap, PixelThatIsNotANumberIsAnError) {
  FakeHost host;
  Packet packet = scan();
  packet.at("object").view<Complex<float>, 3>()(0, 7, 9).im = std::numeric_limits<float>::quiet_NaN();
  expect_error([&] { through(host, Json::object(), std::move(packet)); }, ErrorCode::data,
               {"scan 's1' is not a finite number at pixel y = 7, x = 9"});
}

TEST(PhaseUnwrap, ObjectThatIsDarkEverywhereIsAnError) {
  FakeHost host;
  Packet packet = scan();
  for (auto& v : packet.at("object").view<Complex<float>, 3>()) v = {};
  expect_error([&] { through(host, Json::object(), std::move(packet)); }, ErrorCode::data,
               {"no pixel of the object of scan 's1'", "lower min_coverage = 0.1"});
}

TEST(PhaseUnwrap, AirOutsideOfTheImageIsAnError) {
  FakeHost host;
  expect_error(
      [&] {
        through(host, {{"ramp", "air"}, {"air", {{0, 0, 9, 9}, {0, 90, 10, 97}}}}, scan());
      },
      ErrorCode::data, {"rectangle [0, 90, 10, 97]", "scan 's1'", "80×96 pixels"});
}

TEST(PhaseUnwrap, AirThatFixesNoPlaneIsAnError) {
  FakeHost host;
  expect_error(
      [&] {
        through(host, {{"ramp", "air"}, {"air", {{0, 0, 2, 9}}}}, scan());
      },
      ErrorCode::data, {"scan 's1': ", "fewer than three or lie on a line", "larger rectangles in `air`"});
}

TEST(PhaseUnwrap, ImageThatFixesNoPlaneIsAnError) {
  FakeHost host;
  Packet packet = scan();
  packet.tensors.insert_or_assign("object", Tensor::own(std::vector<Complex<float>>(5, {1, 0}), {1, 1, 5}));
  packet.take("object_coverage");
  expect_error([&] { through(host, Json::object(), std::move(packet)); }, ErrorCode::data,
               {"scan 's1': ", "scan a larger area, or set ramp: none"});
}

TEST(PhaseUnwrap, ParametersThatContradictAreAnError) {
  FakeHost host;
  LoadedStage unwrap(STAGE_MODULE, host);
  const auto refused = [&](const Json& params, const char* part) {
    expect_error([&] { unwrap.configure(params, description()); }, ErrorCode::usage, {part});
  };
  refused({{"ramp", "air"}}, "ramp: air needs `air`");
  refused({{"air", {{0, 0, 9, 9}}}}, "`air` is used with `ramp: air` alone, and ramp is auto");
  refused({{"ramp", "air"}, {"air", {{5, 0, 5, 9}}}}, "rectangle [5, 0, 5, 9] is empty");
}

}  // namespace
}  // namespace ptychoflow::test
