// The stage itself: what it collects, says and refuses. How volumes are compared: tests/unit/tomo_shell_* and
// _volume_*.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "core/device/array.hpp"
#include "tests/support/fake_host.hpp"

namespace ptychoflow::test {
namespace {

using stage::Json;
using stage::Packet;
using stage::Tensor;
using Volume = device::Array<float, 3>;

constexpr Index depth = 20, side = 32;
constexpr double voxel_m = 2e-8, grain = 1e-6;

/// A ball of grains with air around, `moved` so many voxels down in x.
Volume ball(Index moved = 0) {
  Volume v({depth, side, side});
  std::mt19937 random(1);
  std::normal_distribution<double> grains(3 * grain, grain);
  for (Index z = 0; z < depth; ++z) {
    for (Index y = 0; y < side; ++y) {
      for (Index x = 0; x < side; ++x) {
        const double value = grains(random);
        const double far = std::hypot((static_cast<double>(z) - 9.5) / 8, (static_cast<double>(y) - 15.5) / 11,
                                      (static_cast<double>(x) - 15.5) / 11);
        if (far < 1) v(z, y, x - moved) = static_cast<float>(value);
      }
    }
  }
  return v;
}

Volume with_noise(const Volume& truth, double sigma, unsigned seed) {
  Volume v = Volume::copy_of(truth);
  std::mt19937 random(seed);
  std::normal_distribution<float> error(0, static_cast<float>(sigma));
  for (float& value : v) value += error(random);
  return v;
}

Tensor part(const Volume& v, Index first, Index count) {
  Volume slab({count, side, side});
  std::copy_n(v[first].data(), slab.size(), slab.data());
  return Tensor::own(std::move(slab));
}

/// Slices first … first + count − 1 of noisy volumes.
Packet slab(Index first, Index count, bool with_halves, double noise = 0.3 * grain, Index moved = 0) {
  Packet packet;
  const Volume truth = ball(moved);
  packet.tensors["volume"] = part(with_noise(truth, noise, 2), first, count);
  if (with_halves) {
    device::Array<float, 4> halves({2, count, side, side});
    for (const Index h : {0, 1}) {
      const Volume half = with_noise(truth, noise * std::sqrt(2.0), 3 + static_cast<unsigned>(h));
      std::copy_n(half[first].data(), halves[h].size(), halves[h].data());
    }
    packet.tensors["volume_halves"] = Tensor::own(std::move(halves));
  }
  packet.metadata = {{"volume_shape", {depth, side, side}},
                     {"slab_first", first},
                     {"voxel_size_m", {voxel_m, voxel_m, voxel_m}},
                     {"ends_volume", first + count == depth},
                     {"series", "ball"}};
  return packet;
}

Packet with_truth(Packet packet) {
  packet.tensors["truth_volume"] = Tensor::own(ball());
  return packet;
}

stage::Description description(bool halves, bool truth) {
  stage::Description d;
  d.add("volume", "", {}, "", "");
  if (halves) d.add("volume_halves", "", {}, "", "");
  if (truth) d.add("truth_volume", "", {}, "", "");
  return d;
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

void expect_in(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

/// What a first packet is refused for.
std::string refusal(Packet packet, ErrorCode code = ErrorCode::data) {
  FakeHost host;
  LoadedStage stage(STAGE_MODULE, host);
  stage.configure(Json::object(), description(true, true));
  return message_of(code, [&] { stage.process(std::move(packet)); });
}

TEST(CompareVolume, HalvesAndTruthOfAVolumeInSlabs) {
  FakeHost host;
  LoadedStage stage(STAGE_MODULE, host);
  const auto output = stage.configure(Json::object(), description(true, true));
  EXPECT_TRUE(output.has("volume") && output.has("volume_halves") && output.has("truth_volume"));
  stage.process(with_truth(slab(0, 8, true)));
  ASSERT_EQ(host.packets.size(), 1u);  // at once
  EXPECT_TRUE(host.packets[0].has("volume") && host.packets[0].has("volume_halves"));
  EXPECT_TRUE(host.packets[0].has("truth_volume"));
  stage.process(slab(8, 8, true));
  EXPECT_FALSE(host.figures.contains("quality"));
  stage.process(slab(16, 4, true));
  stage.finalize();
  ASSERT_EQ(host.packets.size(), 3u);
  EXPECT_EQ(host.packets[2].metadata.at("slab_first"), 16);

  const Json& quality = host.figures.at("quality");
  EXPECT_EQ(quality.at("fsc_resolution_m"), voxel_m);  // grains as small as voxels, far above the noise
  EXPECT_EQ(quality.at("fsc").at("bound"), "better_than");
  EXPECT_EQ(quality.at("fsc").at("threshold"), "half_bit");
  EXPECT_EQ(quality.at("truth_fsc_resolution_m"), voxel_m);
  for (const char* name : {"fsc", "truth_fsc"}) {
    const Json& curve = quality.at(name).at("curve");
    EXPECT_EQ(curve.at("frequency_per_m").size(), 16u);
    for (const char* list : {"correlation", "threshold", "voxels"}) EXPECT_EQ(curve.at(list).size(), 16u) << list;
  }
  EXPECT_GT(quality.at("truth_fsc").at("curve").at("threshold")[15], 0.54);
  EXPECT_LT(quality.at("fsc").at("curve").at("threshold")[15], 0.4);
  // Noise of 0.3 grains, where matter has a mean square of 10 grains². With 3 voxels around, the ball has 2.2 times as
  // many voxels, and some more since they are a cube around each.
  EXPECT_GT(quality.at("truth_nrmse"), 0.3 / std::sqrt(10.0) * std::sqrt(2.2));
  EXPECT_LT(quality.at("truth_nrmse"), 0.3 / std::sqrt(10.0) * std::sqrt(3.0));
  EXPECT_NEAR(quality.at("truth_scale"), 1, 0.01);
  for (const Json& shift : quality.at("truth_shift_px")) EXPECT_NEAR(shift, 0, 0.05);
  expect_in(host.log_text(), "half-period resolution better than 20 nm; against the truth: error 0.1");
  expect_in(host.log_text(), "px (z/y/x), half-period resolution better than 20 nm");
  EXPECT_EQ(host.log_text().find("nothing to compare"), std::string::npos);
}

TEST(CompareVolume, ValuesAsTheyAre) {
  FakeHost host;
  LoadedStage stage(STAGE_MODULE, host);
  stage.configure({{"report_fsc", false}, {"fsc_threshold", "one_bit"}}, description(false, true));
  Packet packet = with_truth(slab(0, depth, false, 0, 1));
  for (float& v : packet.at("volume").view<float, 3>()) v *= 0.9F;
  stage.process(std::move(packet));
  const Json& quality = host.figures.at("quality");
  EXPECT_NEAR(quality.at("truth_shift_px")[2], -1, 0.01);
  EXPECT_NEAR(quality.at("truth_nrmse"), 0.1, 0.01);  // a hundredth of a voxel of sharp grains
  EXPECT_NEAR(quality.at("truth_scale"), 0.9, 0.005);
  EXPECT_FALSE(quality.contains("fsc"));
  EXPECT_EQ(quality.at("truth_fsc").at("threshold"), "one_bit");
  EXPECT_FALSE(quality.at("truth_fsc").contains("curve"));
}

TEST(CompareVolume, NoiseIsNotResolved) {
  FakeHost host;
  LoadedStage stage(STAGE_MODULE, host);
  stage.configure({{"max_resolution_m", 1}}, description(true, false));
  const auto judge = [&] { stage.process(slab(0, depth, true, 1e3 * grain)); };
  EXPECT_EQ(message_of(ErrorCode::data, judge),
            "fsc_resolution_m of series 'ball' could not be measured, for the two half series agree in no shell: "
            "max_resolution_m = 1 is not reached");
  EXPECT_EQ(host.figures.at("quality").at("fsc").at("bound"), "worse_than");
  expect_in(host.log_text(), "half-period resolution worse than 160 nm");  // half of 32 voxels over 2
}

TEST(CompareVolume, OneVolumeIsNotJudgedByTheNextOnesTruth) {
  FakeHost host;
  LoadedStage stage(STAGE_MODULE, host);
  stage.configure(Json::object(), description(true, true));
  stage.process(with_truth(slab(0, depth, false)));
  const double error = host.figures.at("quality").at("truth_nrmse");
  host.figures = Json::object();
  stage.process(slab(0, 12, true));
  stage.process(slab(12, 8, true));
  EXPECT_FALSE(host.figures.at("quality").contains("truth_nrmse"));  // null
  EXPECT_EQ(host.figures.at("quality").at("fsc_resolution_m"), voxel_m);
  host.figures = Json::object();
  stage.process(with_truth(slab(0, depth, false)));
  EXPECT_EQ(host.figures.at("quality").at("truth_nrmse"), error);
  EXPECT_FALSE(host.figures.at("quality").contains("fsc_resolution_m"));
}

TEST(CompareVolume, TruthThatComesBeforeItsVolume) {
  FakeHost host;
  LoadedStage stage(STAGE_MODULE, host);
  stage.configure(Json::object(), description(false, true));
  stage.process(with_truth(Packet{}));
  EXPECT_TRUE(host.packets.at(0).has("truth_volume"));
  stage.process(slab(0, depth, false));
  EXPECT_TRUE(host.figures.at("quality").contains("truth_nrmse"));
}

TEST(CompareVolume, WarnsOnceThatThereIsNothingToCompareWith) {
  for (const bool declared : {false, true}) {
    FakeHost host;
    LoadedStage stage(STAGE_MODULE, host);
    stage.configure(Json::object(), description(declared, declared));
    EXPECT_EQ(host.lines.size(), declared ? 0u : 1u);
    stage.process(slab(0, depth, false));
    stage.process(slab(0, depth, false));
    ASSERT_EQ(host.lines.size(), 1u);
    EXPECT_EQ(
        host.lines[0],
        "compare_volume has nothing to compare the volume with: set half_series: true of tomo for its resolution, "
        "or simulate the series for its error");
    EXPECT_TRUE(host.figures.at("quality").empty());  // all null, which this host leaves out
    EXPECT_EQ(host.packets.size(), 2u);
  }
}

TEST(CompareVolume, OtherRanksPassPackets) {
  FakeHost host(1, 2);
  LoadedStage stage(STAGE_MODULE, host);
  stage.configure(Json::object(), description(false, false));
  Packet packet = slab(0, depth, false);
  packet.tensors.clear();
  stage.process(std::move(packet));
  stage.finalize();
  EXPECT_EQ(host.packets.at(0).metadata.at("ends_volume"), true);
  EXPECT_TRUE(host.lines.empty());
  EXPECT_TRUE(host.figures.empty());
}

TEST(CompareVolume, LimitsFailTheRunAfterTheVolumeHasPassed) {
  FakeHost host;
  LoadedStage stage(STAGE_MODULE, host);
  stage.configure({{"max_truth_error", 0.05}}, description(true, true));
  const auto text = message_of(ErrorCode::data, [&] { stage.process(with_truth(slab(0, depth, true))); });
  expect_in(text, "truth_nrmse of series 'ball' is 0.1");
  expect_in(text, ", more than max_truth_error = 0.05 allows");
  EXPECT_EQ(host.packets.size(), 1u);
  EXPECT_TRUE(host.figures.at("quality").contains("truth_nrmse"));

  FakeHost other;
  LoadedStage resolution(STAGE_MODULE, other);
  resolution.configure({{"max_resolution_m", 1.9e-8}}, description(true, false));
  EXPECT_EQ(message_of(ErrorCode::data, [&] { resolution.process(slab(0, depth, true)); }),
            "fsc_resolution_m of series 'ball' is 2e-08, more than max_resolution_m = 1.9e-08 allows");
}

TEST(CompareVolume, WithinItsLimits) {
  FakeHost host;
  LoadedStage stage(STAGE_MODULE, host);
  stage.configure({{"max_truth_error", 0.2}, {"max_resolution_m", 2e-8}}, description(true, true));
  EXPECT_NO_THROW(stage.process(with_truth(slab(0, depth, true))));
}

TEST(CompareVolume, LimitsWithoutWhatTheyNeedAreRefusedAtOnce) {
  const auto refused = [](const Json& params) {
    FakeHost host;
    LoadedStage stage(STAGE_MODULE, host);
    return message_of(ErrorCode::usage, [&] { stage.configure(params, description(false, false)); });
  };
  EXPECT_EQ(refused({{"max_truth_error", 0.1}}),
            "max_truth_error needs a series with truth, and no earlier stage provides `truth_volume`: reconstruct a "
            "simulated series, or use max_resolution_m");
  EXPECT_EQ(refused({{"max_resolution_m", 1e-8}}),
            "max_resolution_m needs two half series, and no earlier stage provides `volume_halves`: set half_series: "
            "true of tomo");
}

TEST(CompareVolume, LimitOnAFigureThatDidNotCome) {
  for (const auto& [limit, figure] :
       {std::pair{"max_truth_error", "truth_nrmse"}, {"max_resolution_m", "fsc_resolution_m"}}) {
    FakeHost host;
    LoadedStage stage(STAGE_MODULE, host);
    stage.configure({{limit, 0.1}}, description(true, true));
    Packet packet = slab(0, depth, false);
    packet.metadata.erase("series");
    EXPECT_EQ(message_of(ErrorCode::data, [&] { stage.process(std::move(packet)); }),
              std::string(limit) + ": the volume came without " + figure);
  }
}

TEST(CompareVolume, ValuesThatAreNoNumbersAreNamedAfterTheyHavePassed) {
  for (const std::string name : {"volume", "volume_halves"}) {
    FakeHost host;
    LoadedStage stage(STAGE_MODULE, host);
    stage.configure(Json::object(), description(true, false));
    stage.process(slab(0, 8, true));
    Packet packet = slab(8, 12, true);
    float& bad =
        name == "volume" ? packet.at(name).view<float, 3>()(3, 7, 5) : packet.at(name).view<float, 4>()(1, 3, 7, 5);
    bad = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(message_of(ErrorCode::data, [&] { stage.process(std::move(packet)); }),
              (name == "volume" ? name : "half 1 of volume_halves") +
                  ": slice 11 has a value that is not a finite number, at y = 7, x = 5: look into the projections that "
                  "the volume was reconstructed from");
    EXPECT_EQ(host.packets.size(), 2u);
    EXPECT_NO_THROW(stage.process(slab(0, depth, true)));  // the next one begins anew
  }
  Packet packet = with_truth(slab(0, 8, false));
  packet.at("truth_volume").view<float, 3>()(19, 0, 1) = std::numeric_limits<float>::infinity();
  EXPECT_EQ(refusal(std::move(packet)),
            "truth_volume: slice 19 has a value that is not a finite number, at y = 0, x = 1: look into the stage that "
            "made it");
}

TEST(CompareVolume, RefusesSlabsWithoutTheirPlace) {
  for (const char* key : {"volume_shape", "voxel_size_m"}) {
    for (const Json& value : {Json(), Json(3), Json{1, 2}, Json{1, 2, 0}, Json{1, "a", 2}}) {
      Packet packet = slab(0, 8, false);
      packet.metadata[key] = value;
      EXPECT_EQ(refusal(std::move(packet)), std::string("compare_volume: a slab came without ") + key +
                                                " [z, y, x], of numbers above zero: the stage tomo gives it");
    }
  }
  Packet packet = slab(0, 8, false);
  packet.metadata.erase("slab_first");
  EXPECT_EQ(refusal(std::move(packet)),
            "compare_volume: a slab came without slab_first, its first slice: the stage tomo gives it");
  packet = slab(0, 8, false);
  packet.metadata["volume_shape"] = {depth, side, side + 1};
  EXPECT_EQ(refusal(std::move(packet)),
            "compare_volume: a slab of 8 × 32 × 32 voxels at slice 0 does not lie in a volume of 20 × 32 × 33");
  packet = slab(0, 8, false);
  packet.metadata["slab_first"] = 13;
  expect_in(refusal(std::move(packet)), "at slice 13 does not lie in a volume of 20 × 32 × 32");
}

TEST(CompareVolume, RefusesSlabsThatAreNotTheNext) {
  EXPECT_EQ(refusal(slab(8, 8, false)),
            "compare_volume: a volume begins with slice 8 in place of 0: slabs must come in order");
  const auto second = [](Packet packet) {
    FakeHost host;
    LoadedStage stage(STAGE_MODULE, host);
    stage.configure(Json::object(), description(true, true));
    stage.process(slab(0, 8, true));
    return message_of(ErrorCode::data, [&] { stage.process(std::move(packet)); });
  };
  EXPECT_EQ(second(slab(9, 2, true)),
            "compare_volume: a slab begins at slice 9, but slice 8 is the next: slabs must come in order");
  Packet packet = slab(8, 8, true);
  packet.metadata["ends_volume"] = true;
  EXPECT_EQ(second(std::move(packet)), "compare_volume: the volume ends with slice 15, but should have 20 slices");
  packet = slab(8, 8, true);
  packet.metadata["volume_shape"] = {depth + 1, side, side};
  EXPECT_EQ(
      second(std::move(packet)),
      "compare_volume: the slab at slice 8 belongs to a volume of 21 × 32 × 32 voxels, and those before to one of "
      "20 × 32 × 32");
  EXPECT_EQ(second(slab(8, 8, false)), "compare_volume: the slab at slice 8 came without volume_halves of its shape");
}

TEST(CompareVolume, SaysThatAVolumeBrokeOff) {
  const std::string expected = "compare_volume: the volume broke off after 8 of 20 slices and was not judged\n";
  FakeHost host;
  LoadedStage stage(STAGE_MODULE, host);
  stage.configure(Json::object(), description(true, false));
  stage.process(slab(0, 8, true));
  stage.process(slab(0, 8, true));
  EXPECT_EQ(host.log_text(), expected);
  stage.finalize();
  EXPECT_EQ(host.log_text(), expected + expected);
}

TEST(CompareVolume, RefusesWhatNoMachineHolds) {
  for (const bool halves : {false, true}) {
    for (const bool truth : {false, true}) {
      Packet packet = slab(0, 8, halves);
      if (truth) packet = with_truth(std::move(packet));
      packet.metadata["volume_shape"] = {1000000000000, side, side};  // 4.1 PB
      if (!halves && !truth) continue;
      const std::string text = refusal(std::move(packet), ErrorCode::resource);
      expect_in(text, "compare_volume: to compare a volume of 1000000000000 × 32 × 32 voxels with ");
      expect_in(text, !halves ? "with the truth takes 1.74e+07 GB on rank 0, but this machine has"
                      : truth ? "with the truth, and its halves with each other, takes 2.05e+07 GB on rank 0"
                              : "with its halves takes 1.64e+07 GB on rank 0");
      expect_in(text, "leave compare_volume out, or crop or bin the projections");
    }
  }
}

TEST(CompareVolume, RefusesWhatCannotBeCompared) {
  Packet packet = with_truth(slab(0, depth, false));
  for (float& v : packet.at("truth_volume").view<float, 3>()) v = 0;
  expect_in(refusal(std::move(packet)), "truth_volume has no matter where the volume is");
  packet = slab(0, depth, true);
  for (float& v : packet.at("volume_halves").view<float, 4>()) v = 0;
  expect_in(refusal(std::move(packet)), "Fourier shell correlation of a volume without contrast");
}

}  // namespace
}  // namespace ptychoflow::test
