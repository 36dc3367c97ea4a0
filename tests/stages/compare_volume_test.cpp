// The stage itself: what it collects and says. How volumes are compared: tests/unit/tomo_shell_* and _volume_*.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/fake_host.hpp"
#include "tests/support/volume_slabs.hpp"

namespace ptychoflow::test {
namespace {

using stage::Json;
using stage::Packet;

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

}  // namespace
}  // namespace ptychoflow::test
