#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "core/device/array.hpp"
#include "tests/support/fake_host.hpp"

namespace ptychoflow::test {
namespace {

using stage::Json;
using stage::Packet;
using stage::Tensor;
template <class T>
using Stack = device::Array<Complex<T>, 3>;

constexpr Index side = 16, height = 64, width = 72;

/// A grainy object; `noise` is added with its own `seed`.
template <class T>
Stack<T> object(double noise, unsigned seed, Index planes = 1) {
  Stack<T> o({planes, height, width});
  std::mt19937 truth(1), random(seed);
  std::normal_distribution<double> grain(0, 0.3), error(0, noise + 1e-12);
  for (Index y = 0; y < height; ++y) {
    for (Index x = 0; x < width; ++x) {
      const Complex<double> v = polar(1.0, grain(truth)) + Complex<double>{error(random), error(random)};
      o(0, y, x) = {static_cast<T>(v.re), static_cast<T>(v.im)};
    }
  }
  return o;
}

/// Two orthogonal modes, of 80 and 20 %.
template <class T>
Stack<T> probe() {
  Stack<T> p({2, side, side});
  p(0, 3, 3) = {2, 0};
  p(1, 5, 5) = {0, 1};
  return p;
}

device::Array<std::int32_t, 2> offsets(std::int32_t y0) {
  device::Array<std::int32_t, 2> o({20, 2});
  for (std::int32_t j = 0; j < 20; ++j) {
    o(j, 0) = y0 + (j * 11) % 40;
    o(j, 1) = 3 + j * 2;
  }
  return o;
}

template <class T = float>
Packet result(double noise) {
  Packet packet;
  packet.tensors.emplace("object", Tensor::own(object<T>(noise, 2)));
  packet.tensors.emplace("probe", Tensor::own(probe<T>()));
  packet.tensors.emplace("view_offset_px", Tensor::own(offsets(4)));
  packet.metadata = {{"scan", "s1"}, {"ends_scan", true}, {"r_factor", 0.05}, {"pixel_size_m", {2e-8, 2e-8}}};
  return packet;
}

Packet truth() {
  Packet packet;
  packet.tensors.emplace("truth_object", Tensor::own(object<double>(0, 2)));
  packet.tensors.emplace("truth_probe", Tensor::own(probe<double>()));
  packet.tensors.emplace("truth_offset_px", Tensor::own(offsets(4)));
  return packet;
}

stage::Description description(bool with_truth) {
  stage::Description d;
  for (const char* name : {"object", "probe", "view_offset_px"}) d.add(name, "", {}, "", "");
  if (with_truth) d.add("truth_object", "", {}, "", "");
  return d;
}

std::string message_of(ErrorCode code, const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code);
    return e.what();
  }
  return "nothing thrown";
}

TEST(Compare, AgainstTruthThatPassedWithTheFirstFrames) {
  FakeHost host;
  LoadedStage compare(STAGE_MODULE, host);
  compare.configure(Json::object(), description(true));
  compare.process(truth());
  compare.process(result(0.05));
  ASSERT_EQ(host.packets.size(), 2u);
  EXPECT_TRUE(host.packets[0].has("truth_object"));
  EXPECT_TRUE(host.packets[1].has("object"));
  const Json& quality = host.packets[1].metadata.at("quality");
  EXPECT_NEAR(quality.at("object_nrmse"), 0.05 * std::sqrt(2.0), 0.004);
  EXPECT_NEAR(quality.at("phase_rms_rad"), 0.05, 0.004);
  EXPECT_NEAR(quality.at("mode_powers")[0], 0.8, 1e-6);
  EXPECT_NEAR(quality.at("true_powers")[1], 0.2, 1e-12);
  EXPECT_EQ(host.figures.at("quality").at("r_factor"), 0.05);
  const std::string error = fmt::format("object error {:.4f}, phase", quality.at("object_nrmse").get<double>());
  EXPECT_NE(host.log_text().find(error), std::string::npos) << host.log_text();
  EXPECT_NE(host.log_text().find("modes 80.0/20.0 % (true 80.0/20.0 %)"), std::string::npos) << host.log_text();
}

TEST(Compare, TruthOfOneScanIsNotHeldAgainstTheNext) {
  FakeHost host;
  LoadedStage compare(STAGE_MODULE, host);
  compare.configure(Json::object(), description(true));
  Packet both = result(0.05);
  both.tensors.merge(truth().tensors);
  compare.process(std::move(both));
  compare.process(result(0.05));
  EXPECT_TRUE(host.packets[0].metadata.at("quality").contains("object_nrmse"));
  EXPECT_FALSE(host.packets[1].metadata.at("quality").contains("object_nrmse"));
}

TEST(Compare, WithoutTruthGivesRAndResolutionOfTwoHalves) {
  FakeHost host;
  LoadedStage compare(STAGE_MODULE, host);
  compare.configure(Json::object(), description(false));
  Packet packet = result<double>(0.05);
  auto halves = object<double>(0.05, 3, 2);
  const auto other = object<double>(0.05, 4);
  std::copy(other.begin(), other.end(), halves[1].begin());
  packet.tensors.emplace("object_halves", Tensor::own(std::move(halves)));
  compare.process(std::move(packet));
  const Json& quality = host.packets[0].metadata.at("quality");
  EXPECT_EQ(quality.at("r_factor"), 0.05);
  EXPECT_EQ(quality.at("frc").at("bound"), "better_than");  // white grains, five times the noise
  EXPECT_EQ(quality.at("frc").at("half_period_m"), 2e-8);
  const Json& curve = host.figures.at("quality").at("frc").at("curve");
  EXPECT_EQ(quality.at("frc").at("curve"), curve);
  EXPECT_GT(curve.at("correlation").size(), 10u);
  EXPECT_EQ(curve.at("correlation").size(), curve.at("threshold").size());
  EXPECT_NE(host.log_text().find("R 0.0500, modes 80.0/20.0 %, half-period resolution better than 20 nm"),
            std::string::npos)
      << host.log_text();
}

TEST(Compare, LimitsFailTheRunAfterTheResultHasPassed) {
  FakeHost host;
  LoadedStage compare(STAGE_MODULE, host);
  compare.configure({{"max_r_factor", 0.04}}, description(false));
  EXPECT_EQ(message_of(ErrorCode::data, [&] { compare.process(result(0.05)); }),
            "r_factor of scan 's1' is 0.0500, more than max_r_factor = 0.04 allows");
  EXPECT_EQ(host.packets.size(), 1u);
}

TEST(Compare, ObjectErrorWithinAndBeyondItsLimit) {
  for (const double limit : {0.08, 0.06}) {
    FakeHost host;
    LoadedStage compare(STAGE_MODULE, host);
    compare.configure({{"max_object_nrmse", limit}}, description(true));
    compare.process(truth());
    const auto judge = [&] { compare.process(result(0.05)); };
    if (limit > 0.07) {
      EXPECT_NO_THROW(judge());
    } else {
      EXPECT_NE(message_of(ErrorCode::data, judge).find("more than max_object_nrmse = 0.06 allows"), std::string::npos);
    }
  }
}

TEST(Compare, LimitOnTheErrorWithoutTruthIsRefusedAtOnce) {
  FakeHost host;
  LoadedStage compare(STAGE_MODULE, host);
  EXPECT_NE(message_of(ErrorCode::usage,
                       [&] {
                         compare.configure({{"max_object_nrmse", 0.1}}, description(false));
                       })
                .find("no earlier stage provides `truth_object`"),
            std::string::npos);
}

TEST(Compare, LimitOnAFigureThatDidNotCome) {
  FakeHost host;
  LoadedStage compare(STAGE_MODULE, host);
  compare.configure({{"max_r_factor", 0.04}}, description(false));
  Packet packet = result(0.05);
  packet.metadata.erase("r_factor");
  EXPECT_EQ(message_of(ErrorCode::data, [&] { compare.process(std::move(packet)); }),
            "max_r_factor: the result of scan 's1' came without r_factor");
}

TEST(Compare, OffsetsThatDisagreeAreAnError) {
  FakeHost host;
  LoadedStage compare(STAGE_MODULE, host);
  compare.configure(Json::object(), description(true));
  Packet made = truth();
  auto wrong = offsets(4);
  for (Index j = 0; j < wrong.extent(0); ++j) wrong(j, 0) = 48 - wrong(j, 0);
  made.tensors.insert_or_assign("truth_offset_px", Tensor::own(std::move(wrong)));
  compare.process(std::move(made));
  EXPECT_NE(message_of(ErrorCode::data, [&] { compare.process(result(0.05)); }).find("wrong sign"), std::string::npos);
}

}  // namespace
}  // namespace ptychoflow::test
