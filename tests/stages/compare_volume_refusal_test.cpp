// What compare_volume refuses, and in which words.
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/fake_host.hpp"
#include "tests/support/volume_slabs.hpp"

namespace ptychoflow::test {
namespace {

using stage::Json;
using stage::Packet;

/// What a first packet is refused for.
std::string refusal(Packet packet, ErrorCode code = ErrorCode::data) {
  FakeHost host;
  LoadedStage stage(STAGE_MODULE, host);
  stage.configure(Json::object(), description(true, true));
  return message_of(code, [&] { stage.process(std::move(packet)); });
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
