// The stage save_scan, driven through its C table.
#include <gtest/gtest.h>

#include <fstream>

#include "core/base/units.hpp"
#include "core/device/array.hpp"
#include "core/io/scan.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow {
namespace {

using device::Array;
using stage::Json;
using stage::Packet;
using stage::Tensor;
using test::expect_error;
using test::FakeHost;
using test::LoadedStage;

constexpr Index frame_count = 6, height = 4, width = 5;

stage::Description description() {
  stage::Description d;
  d.add("frames", "uint16", {nullptr, height, width}, "frame:y:x", "count");
  d.add("frame_index", "int64", {nullptr}, "frame", "");
  d.add("positions_m", "float64", {nullptr, 2}, "frame:y,x", "m");
  d.metadata = {{"scan", "s7"},
                {"frame_count", frame_count},
                {"wavelength_m", 1e-10},
                {"distance_m", 2.0},
                {"detector_pixel_m", {1e-5, 2e-5}}};
  return d;
}

std::uint16_t count_of(Index frame, Index y, Index x) { return static_cast<std::uint16_t>(1000 * frame + 10 * y + x); }

/// Frames of the scan by their numbers.
Packet packet_of(const std::vector<Index>& numbers, bool ends) {
  const Index n = static_cast<Index>(numbers.size());
  Array<std::uint16_t, 3> frames({n, height, width});
  Array<std::int64_t, 1> index({n});
  Array<double, 2> positions({n, 2});
  for (Index j = 0; j < n; ++j) {
    const Index number = numbers[static_cast<std::size_t>(j)];
    index[j] = number;
    positions(j, 0) = 1e-6 * static_cast<double>(number);
    positions(j, 1) = -2e-6 * static_cast<double>(number);
    for (Index y = 0; y < height; ++y) {
      for (Index x = 0; x < width; ++x) frames(j, y, x) = count_of(number, y, x);
    }
  }
  Packet packet;
  packet.tensors.emplace("frames", Tensor::own(std::move(frames)));
  packet.tensors.emplace("frame_index", Tensor::own(std::move(index)));
  packet.tensors.emplace("positions_m", Tensor::own(std::move(positions)));
  packet.metadata = description().metadata;
  if (ends) packet.metadata["ends_scan"] = true;
  return packet;
}

void add_scan_tensors(Packet& packet) {
  Array<std::uint8_t, 2> mask({height, width});
  mask(1, 2) = 1;
  packet.tensors.emplace("mask", Tensor::own(std::move(mask)));
  Array<Complex<float>, 3> probe({2, height, width});
  probe(1, 3, 4) = {1, 2};
  packet.tensors.emplace("initial_probe", Tensor::own(std::move(probe)));
}

TEST(SaveScan, WritesWhatPassesByInAnyOrderAndPassesItOn) {
  test::TempFolder folder;
  const auto file = folder / "s.cxi";
  FakeHost host;
  LoadedStage saver(STAGE_MODULE, host);
  const auto declared = saver.configure({{"file", file.string()}}, description());
  EXPECT_EQ(declared.tensors, description().tensors);
  Packet first = packet_of({4, 0, 1}, false);
  add_scan_tensors(first);
  saver.process(std::move(first));
  EXPECT_FALSE(std::filesystem::exists(file));
  saver.process(packet_of({2, 3, 5}, true));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"s.cxi"});
  saver.finalize();
  ASSERT_EQ(host.packets.size(), 2u);
  EXPECT_TRUE(host.packets[0].has("mask"));
  EXPECT_TRUE(host.packets[1].ends_scan());

  const io::Scan scan(file);
  std::vector<std::uint16_t> counts(frame_count * height * width);
  scan.read_frames(0, frame_count, 1, {0, 0, {height, width}}, counts.data());
  std::size_t at = 0;
  for (Index j = 0; j < frame_count; ++j) {
    for (Index y = 0; y < height; ++y) {
      for (Index x = 0; x < width; ++x) ASSERT_EQ(counts[at++], count_of(j, y, x)) << j;
    }
    EXPECT_EQ(scan.header().translation_m[static_cast<std::size_t>(j)],
              (std::array{-2e-6 * static_cast<double>(j), 1e-6 * static_cast<double>(j)}));
  }
  EXPECT_NEAR(wavelength_m_from_energy_J(*scan.header().energy_J), 1e-10, 1e-22);
  EXPECT_EQ(scan.header().pixel_x_m, 2e-5);
  EXPECT_EQ(scan.mask()(1, 2), 1);
  EXPECT_EQ(std::get<0>(scan.initial_probe())(1, 3, 4), (Complex<float>{1, 2}));
}

TEST(SaveScan, KeepsTheMeaningOfNegativeCounts) {
  test::TempFolder folder;
  FakeHost host;
  LoadedStage saver(STAGE_MODULE, host);
  auto marked = description();
  marked.metadata["negative_is_masked"] = true;
  saver.configure({{"file", (folder / "s.cxi").string()}}, marked);
  saver.process(packet_of({0, 1, 2, 3, 4, 5}, true));
  EXPECT_TRUE(io::Scan(folder / "s.cxi").header().negative_is_masked);
}

TEST(SaveScan, LeavesNothingOfAScanThatDoesNotEnd) {
  test::TempFolder folder;
  FakeHost host;
  {
    LoadedStage saver(STAGE_MODULE, host);
    saver.configure({{"file", (folder / "s.cxi").string()}}, description());
    saver.process(packet_of({0, 1}, false));
    EXPECT_EQ(folder.names().size(), 1u);
    saver.finalize();
  }
  EXPECT_TRUE(folder.names().empty());
  EXPECT_NE(host.log_text().find("did not come to its end"), std::string::npos);
}

TEST(SaveScan, RefusesAScanThatLacksFrames) {
  test::TempFolder folder;
  FakeHost host;
  {
    LoadedStage saver(STAGE_MODULE, host);
    saver.configure({{"file", (folder / "s.cxi").string()}}, description());
    expect_error([&] { saver.process(packet_of({0, 1}, true)); }, ErrorCode::other, {"2 of the scan's 6 frames"});
  }
  EXPECT_TRUE(folder.names().empty());
}

TEST(SaveScan, WritesAFileAScanWhereItsNameIsInTheFiles) {
  test::TempFolder folder;
  FakeHost host;
  auto series = description();
  for (const char* key : {"scan", "frame_count"}) series.metadata.erase(key);
  series.metadata["scan_count"] = 3;
  LoadedStage saver(STAGE_MODULE, host);
  saver.configure({{"file", (folder / "{scan}.cxi").string()}}, series);
  const auto of = [&](const char* scan, Packet packet) {
    packet.metadata["scan"] = scan;
    return packet;
  };
  saver.process(of("a", packet_of({0, 1, 2, 3, 4, 5}, true)));
  saver.process(of("bad", packet_of({0, 1, 2}, false)));
  saver.abandon_scan();
  saver.process(of("c/d", packet_of({3, 4, 5}, false)));
  saver.process(of("c/d", packet_of({0, 1, 2}, true)));
  saver.finalize();
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"a.cxi", "c_d.cxi"}));
  const io::Scan scan(folder / "c_d.cxi");
  EXPECT_EQ(scan.header().frame_count, frame_count);
  std::uint16_t count = 0;
  scan.read_frames(4, 1, 1, {2, 3, {1, 1}}, &count);
  EXPECT_EQ(count, count_of(4, 2, 3));
  EXPECT_EQ(host.log_text().find("did not come to its end"), std::string::npos) << host.log_text();
}

TEST(SaveScan, RefusesASecondScanForTheSameFile) {
  test::TempFolder folder;
  FakeHost host;
  const Json params{{"file", (folder / "s.cxi").string()}};
  auto series = description();
  series.metadata["scan_count"] = 2;
  expect_error([&] { LoadedStage(STAGE_MODULE, host).configure(params, series); }, ErrorCode::usage,
               {"several scans", "put {scan} into the name"});
  LoadedStage saver(STAGE_MODULE, host);
  saver.configure(params, description());
  saver.process(packet_of({0, 1, 2, 3, 4, 5}, true));
  expect_error([&] { saver.process(packet_of({0}, false)); }, ErrorCode::usage, {"put {scan} into the name"});
}

TEST(SaveScan, ChecksItsTargetAndItsInputBeforeDataMoves) {
  test::TempFolder folder;
  FakeHost host;
  const auto configure = [&](const Json& params, const stage::Description& input) {
    LoadedStage(STAGE_MODULE, host).configure(params, input);
  };
  expect_error(
      [&] {
        configure({{"file", (folder / "none/s.cxi").string()}}, description());
      },
      ErrorCode::usage, {"no folder"});
  std::ofstream(folder / "old.cxi") << "old";
  const Json old{{"file", (folder / "old.cxi").string()}};
  expect_error([&] { configure(old, description()); }, ErrorCode::usage, {"already there", "overwrite: true"});
  auto poor = description();
  poor.metadata.erase("distance_m");
  expect_error([&] { configure({{"file", (folder / "s.cxi").string()}}, poor); }, ErrorCode::usage, {"distance_m"});
  EXPECT_EQ(folder.names(), std::vector<std::string>{"old.cxi"});

  LoadedStage saver(STAGE_MODULE, host);
  saver.configure({{"file", (folder / "old.cxi").string()}, {"overwrite", true}, {"compression", 0}}, description());
  saver.process(packet_of({0, 1, 2, 3, 4, 5}, true));
  EXPECT_EQ(io::Scan(folder / "old.cxi").header().frame_count, frame_count);
}

}  // namespace
}  // namespace ptychoflow
