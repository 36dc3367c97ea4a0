// Tomograms: many scans of a pillar in one run.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/support/tomogram.hpp"

namespace ptychoflow::test {
namespace {

using stage::Json;

TEST(SimulateSeries, names_scans_and_angles_by_their_number) {
  auto params = tomogram(10);
  params["tomogram"]["first_deg"] = 5;
  params["tomogram"]["range_deg"] = 90;
  const auto r = run(params);
  ASSERT_EQ(r.packets.size(), 10u);
  for (std::size_t i = 0; i < 10; ++i) {
    const auto& m = r.packets[i].metadata;
    EXPECT_EQ(m["scan"], fmt::format("stub_{:02}", i + 1));
    EXPECT_DOUBLE_EQ(m["rotation_deg"].get<double>(), 5 + 9.0 * static_cast<double>(i));
    EXPECT_EQ(m["scan_count"], 10);
    EXPECT_EQ(m["series"], "stub");
    EXPECT_TRUE(r.packets[i].ends_scan());
    EXPECT_EQ(m["truth_shift_px"], Json({0.0, 0.0}));
    EXPECT_EQ(m["frame_count"], 36);
  }
  EXPECT_EQ(r.declared.metadata["scan_count"], 10);
  for (const char* key : {"scan", "rotation_deg", "truth_shift_px"}) {
    EXPECT_FALSE(r.declared.metadata.contains(key)) << key << " is not the same for all";
  }
}

TEST(SimulateSeries, takes_a_list_of_angles) {
  const auto r = run(tomogram({-30, 0, 12.5}));
  ASSERT_EQ(r.packets.size(), 3u);
  EXPECT_EQ(r.packets[0].metadata["rotation_deg"], -30);
  EXPECT_EQ(r.packets[2].metadata["rotation_deg"], 12.5);
  EXPECT_EQ(r.packets[2].metadata["scan"], "stub_3");
}

TEST(SimulateSeries, sends_what_it_declares_with_every_scan) {
  const auto r = run(tomogram(3));
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& packet = r.packets[i];
    for (const auto& [name, description] : r.declared.tensors.items()) {
      if (i > 0 && name == "truth_volume") {
        EXPECT_FALSE(packet.has(name)) << "once is enough";
        continue;
      }
      ASSERT_TRUE(packet.has(name)) << name;
      EXPECT_EQ(stage::type_name(packet.at(name).dtype()), description["dtype"]) << name;
      const auto shape = packet.at(name).shape();
      for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        EXPECT_EQ(shape[axis], description["shape"][axis].is_null() ? Json(36) : description["shape"][axis]) << name;
      }
    }
    for (const auto& [key, value] : r.declared.metadata.items()) EXPECT_EQ(packet.metadata[key], value) << key;
  }
}

TEST(SimulateSeries, each_scan_has_its_own_jitter_and_noise_on_one_detector_and_field) {
  const auto r = run(tomogram({0, 0}));  // the same side twice
  const auto &a = r.packets[0], &b = r.packets[1];
  EXPECT_TRUE((same<std::uint8_t, 2>(a.at("mask"), b.at("mask"))));
  EXPECT_TRUE((same<Complex<double>, 3>(a.at("truth_object"), b.at("truth_object"))));
  EXPECT_TRUE((same<Complex<double>, 3>(a.at("truth_probe"), b.at("truth_probe"))));
  EXPECT_FALSE((same<double, 2>(a.at("positions_m"), b.at("positions_m"))));
  EXPECT_FALSE((same<std::uint32_t, 3>(a.at("frames"), b.at("frames"))));
  EXPECT_EQ(a.metadata["object_px_local"], b.metadata["object_px_local"]);
}

TEST(SimulateSeries, a_repeated_run_makes_the_same_scans_on_any_number_of_ranks) {
  auto params = tomogram(2);
  params["tomogram"]["shift_m"] = 20e-9;
  params["distribution"] = "scan_order";
  const auto alone = run(params), again = run(params);
  constexpr Index ranks = 3, frame_px = Index{32} * 32;
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE((same<std::uint32_t, 3>(alone.packets[i].at("frames"), again.packets[i].at("frames"))));
    EXPECT_EQ(alone.packets[i].metadata, again.packets[i].metadata);
    const auto whole = alone.packets[i].at("frames").view<const std::uint32_t, 3>();
    for (Index rank = 0; rank < ranks; ++rank) {
      const auto part = run(params, static_cast<int>(rank), ranks);
      ASSERT_EQ(part.packets.size(), 2u);
      const auto& packet = part.packets[i];
      EXPECT_EQ(packet.has("truth_volume"), rank == 0 && i == 0);
      EXPECT_TRUE((same<Complex<double>, 3>(packet.at("truth_object"), alone.packets[i].at("truth_object"))));
      const auto counts = packet.at("frames").view<const std::uint32_t, 3>();
      ASSERT_EQ(counts.extent(0), 12);
      EXPECT_TRUE(std::equal(counts.begin(), counts.end(), whole.begin() + rank * 12 * frame_px));
      EXPECT_EQ(packet.metadata["frame_count_local"], 12);
    }
  }
}

TEST(SimulateSeries, goes_on_after_an_abandoned_scan_and_sends_the_volume_again) {
  FakeHost host;
  LoadedStage simulate(STAGE_MODULE, host);
  simulate.configure(tomogram(4));
  EXPECT_EQ(simulate.current_scan(), "stub_1");
  host.emit_answer = PTYCHOFLOW_ERROR_DATA;  // somebody downstream does not like it
  EXPECT_THROW(simulate.produce(), Error);
  simulate.abandon_scan();
  host.emit_answer = PTYCHOFLOW_OK;
  EXPECT_EQ(simulate.current_scan(), "stub_2");
  while (simulate.produce()) continue;
  ASSERT_EQ(host.packets.size(), 4u);
  EXPECT_EQ(host.packets[1].metadata["scan"], "stub_2");
  EXPECT_TRUE(host.packets[1].has("truth_volume"));
  EXPECT_FALSE(host.packets[2].has("truth_volume"));
  EXPECT_EQ(host.packets[3].metadata["scan"], "stub_4");
  EXPECT_FALSE(simulate.produce());
}

TEST(SimulateSeries, the_last_scan_may_be_abandoned_too) {
  FakeHost host;
  LoadedStage simulate(STAGE_MODULE, host);
  simulate.configure(tomogram(1));
  simulate.abandon_scan();
  EXPECT_FALSE(simulate.produce());
  EXPECT_TRUE(host.packets.empty());
}

TEST(SimulateSeries, ends_between_two_scans_when_the_user_wants_to_stop) {
  FakeHost host;
  LoadedStage simulate(STAGE_MODULE, host);
  simulate.configure(tomogram(4));
  EXPECT_TRUE(simulate.produce());
  host.stop = true;
  EXPECT_FALSE(simulate.produce()) << "what has begun is sent whole";
  EXPECT_FALSE(simulate.produce());
  simulate.finalize();
  ASSERT_EQ(host.packets.size(), 2u);
  EXPECT_TRUE(host.packets[1].ends_scan());
}

}  // namespace
}  // namespace ptychoflow::test
