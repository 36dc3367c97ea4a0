// The stage itself: what it takes, declares, passes on and refuses. How well it reconstructs is judged elsewhere.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/device/array.hpp"
#include "tests/support/fake_host.hpp"

namespace ptychoflow::test {
namespace {

using stage::Description;
using stage::Json;
using stage::Packet;
using stage::Tensor;

constexpr Index n = 16, frame_count = 9;

Description scan_description() {
  Description d;
  d.add("frames", "uint16", {nullptr, n, n}, "frame:y:x", "count");
  d.add("frame_index", "int64", Json::array({nullptr}), "frame", "1");
  d.add("positions_m", "float64", {nullptr, 2}, "frame:y,x", "m");
  d.add("initial_probe", "complex64", {1, n, n}, "mode:y:x", "√count");
  d.metadata = {{"scan", "s"},
                {"frame_count", frame_count},
                {"frame_count_local", frame_count},
                {"wavelength_m", 1e-10},
                {"distance_m", 1.0},
                {"detector_pixel_m", {625e-6, 625e-6}}};  // object pixel 10 nm
  return d;
}

/// Frames [first, last) of a scan on a 3×3 grid with steps of 3 px: a bright centre, different from frame to frame.
Packet frames(Index first, Index last) {
  device::Array<std::uint16_t, 3> counts({last - first, n, n});
  std::vector<std::int64_t> index;
  std::vector<double> positions;
  for (Index j = first; j < last; ++j) {
    for (Index y = 4; y < 12; ++y) {
      for (Index x = 4; x < 12; ++x)
        counts(j - first, y, x) = static_cast<std::uint16_t>(50 + (7 * j + 3 * y + 5 * x) % 40);
    }
    index.push_back(j);
    positions.insert(positions.end(), {static_cast<double>(j / 3) * 3e-8, static_cast<double>(j % 3) * 3e-8});
  }
  Packet packet;
  packet.metadata = scan_description().metadata;
  packet.metadata["ends_scan"] = last == frame_count;
  packet.tensors.emplace("frames", Tensor::own(std::move(counts)));
  packet.tensors.emplace("frame_index", Tensor::own(std::move(index), {last - first}));
  packet.tensors.emplace("positions_m", Tensor::own(std::move(positions), {last - first, 2}));
  if (first == 0) {
    device::Array<Complex<float>, 3> probe({1, n, n});
    for (Index y = 6; y < 11; ++y) {
      for (Index x = 6; x < 11; ++x) probe(0, y, x) = {1, 0.1f * static_cast<float>(x)};
    }
    packet.tensors.emplace("initial_probe", Tensor::own(std::move(probe)));
    packet.tensors.emplace("mask", Tensor::own(device::Array<std::uint8_t, 2>({n, n})));
    packet.tensors.emplace("something_else", Tensor::own(std::vector<double>{1, 2}, {2}));
  }
  return packet;
}

struct PtychoDm : ::testing::Test {
  FakeHost host;
  LoadedStage stage{STAGE_MODULE, host};

  Packet& run(const Json& params, std::vector<Index> blocks = {frame_count}) {
    stage.configure(params, scan_description());
    Index first = 0;
    for (const Index size : blocks) {
      stage.process(frames(first, first + size));
      first += size;
    }
    stage.finalize();
    EXPECT_EQ(host.packets.size(), 1u);
    return host.packets.at(0);
  }

  std::string refusal(const Json& params, const Description& input = scan_description()) {
    try {
      stage.configure(params, input);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
};

TEST_F(PtychoDm, EmitsWhatItDeclared) {
  const auto declared = LoadedStage(STAGE_MODULE, host).configure({{"probe_modes", 2}}, scan_description());
  const Packet& result = run({{"iterations", 4}, {"probe_modes", 2}});
  for (const auto& name : {"frames", "frame_index", "positions_m", "initial_probe"}) {
    EXPECT_FALSE(declared.has(name));
    EXPECT_FALSE(result.has(name));
  }
  for (const auto& [name, tensor] : declared.tensors.items()) {
    ASSERT_TRUE(result.has(name)) << name;
    EXPECT_EQ(stage::type_name(result.at(name).dtype()), tensor["dtype"]) << name;
    const auto shape = result.at(name).shape();
    ASSERT_EQ(shape.size(), tensor["shape"].size()) << name;
    for (std::size_t a = 0; a < shape.size(); ++a) {
      if (!tensor["shape"][a].is_null()) {
        EXPECT_EQ(shape[a], tensor["shape"][a].get<std::int64_t>()) << name;
      }
    }
  }
  EXPECT_TRUE(result.has("something_else"));
  EXPECT_EQ(result.metadata["iterations"], 4);
  EXPECT_EQ(result.metadata["scan"], "s");
  EXPECT_NEAR(result.metadata["pixel_size_m"][0], 1e-8, 1e-20);
  EXPECT_EQ(result.at("object").shape(), (std::vector<std::int64_t>{1, 6 + n + 8, 6 + n + 8}));
}

TEST_F(PtychoDm, BlocksOfAnySizeGiveTheSameResult) {
  const auto whole = run({{"iterations", 5}}).take("object");
  FakeHost other;
  LoadedStage again(STAGE_MODULE, other);
  again.configure({{"iterations", 5}}, scan_description());
  for (const auto& [first, last] : {std::pair<Index, Index>{0, 2}, {2, 3}, {3, 9}}) again.process(frames(first, last));
  const auto a = whole.view<const Complex<float>, 3>();
  const auto b = other.packets.at(0).at("object").view<const Complex<float>, 3>();
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin()));
}

TEST_F(PtychoDm, DoublePrecisionAndSeveralObjectModes) {
  const Packet& result = run({{"iterations", 3}, {"precision", "double"}, {"object_modes", 2}, {"half_scans", true}});
  EXPECT_TRUE(result.at("object").holds<Complex<double>>());
  EXPECT_EQ(result.at("object").shape()[0], 2);
  EXPECT_EQ(result.at("object_halves").shape()[0], 2);
  EXPECT_EQ(result.at("history_object_change").shape(), (std::vector<std::int64_t>{3, 2}));
}

TEST_F(PtychoDm, StopsAfterTheIterationWhenTheUserWantsTo) {
  host.stop = true;
  const Packet& result = run({{"iterations", 50}});
  EXPECT_EQ(result.metadata["iterations"], 1);
  EXPECT_EQ(result.metadata["stopped"], true);
}

TEST_F(PtychoDm, ReportsItsFigures) {
  run({{"iterations", 3}});
  EXPECT_EQ(host.figures["seconds_per_iteration"].size(), 3u);
  EXPECT_GT(host.figures["us_per_view_mode"].get<double>(), 0);
  EXPECT_EQ(host.figures["memory"]["exit_waves_bytes"], frame_count * n * n * 8);
  EXPECT_TRUE(host.figures.contains("r_factor"));
}

TEST_F(PtychoDm, SaysWhichModesAreNotNeeded) {
  run({{"iterations", 3}, {"probe_modes", 2}, {"mode_diversity", 1e-3}});
  EXPECT_NE(host.log_text().find("try probe_modes: 1"), std::string::npos) << host.log_text();
}

TEST_F(PtychoDm, WithoutAProbeItStartsFromTheDataAndSaysHowToDoBetter) {
  Description bare = scan_description();
  bare.tensors.erase("initial_probe");
  stage.configure({{"iterations", 2}}, bare);
  EXPECT_NE(host.log_text().find("defocus_m"), std::string::npos);
  EXPECT_NE(refusal({{"initial_probe", "from_scan"}}, bare).find("the scan brings no probe"), std::string::npos);
}

TEST_F(PtychoDm, FindsTheDefocusBeforeItBegins) {
  const Packet& result = run({{"iterations", 3}, {"initial_probe", {{"from_data", {{"defocus_m", "auto"}}}}}});
  EXPECT_NE(host.log_text().find("defocus_m: auto chose"), std::string::npos) << host.log_text();
  EXPECT_EQ(result.metadata["iterations"], 3);
  EXPECT_EQ(host.figures["seconds_per_iteration"].size(), 3u) << "the trials' are not counted";
}

TEST_F(PtychoDm, RefusesAStreamThatDoesNotSayItsGeometry) {
  Description vague = scan_description();
  vague.metadata.erase("distance_m");
  EXPECT_NE(refusal(Json::object(), vague).find("distance_m"), std::string::npos);
}

TEST_F(PtychoDm, RefusesContradictions) {
  EXPECT_NE(refusal({{"object_amplitude", {1.0, 0.5}}}).find("object_amplitude"), std::string::npos);
  EXPECT_NE(refusal({{"probe_modes", "auto"}, {"mode_start", "file"}}).find("exclude"), std::string::npos);
  EXPECT_NE(refusal({{"mode_start", "file"}, {"initial_probe", {{"gaussian", {{"fwhm_m", 1e-7}}}}}}).find("mode_start"),
            std::string::npos);
  EXPECT_NE(refusal({{"initial_probe", {{"file", "none.h5"}}}}).find("none.h5"), std::string::npos);
  EXPECT_NE(refusal({{"initial_object", {{"file", "none.h5"}}}}).find("none.h5"), std::string::npos);
}

TEST_F(PtychoDm, RefusesWhatNoMemoryCanHold) {
  Description huge = scan_description();
  huge.metadata["frame_count_local"] = 1000000000;
  const std::string text = refusal({{"probe_modes", 5}}, huge);
  EXPECT_NE(text.find("GiB"), std::string::npos) << text;
  EXPECT_NE(text.find("more ranks"), std::string::npos) << text;
}

TEST_F(PtychoDm, RefusesFramesThatAreZeroOrNegative) {
  stage.configure(Json::object(), scan_description());
  Packet dark = frames(0, frame_count);
  for (auto& c : dark.at("frames").view<std::uint16_t, 3>()) c = 0;
  EXPECT_THROW(stage.process(std::move(dark)), Error);

  FakeHost other;
  LoadedStage again(STAGE_MODULE, other);
  again.configure(Json::object(), scan_description());
  Packet negative = frames(0, frame_count);
  device::Array<float, 3> counts({frame_count, n, n});
  counts(3, 5, 6) = -2;
  negative.tensors.insert_or_assign("frames", Tensor::own(std::move(counts)));
  try {
    again.process(std::move(negative));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::data);
    EXPECT_NE(std::string(e.what()).find("-2"), std::string::npos);
  }
}

TEST_F(PtychoDm, RefusesFramesNumberedTwice) {
  stage.configure(Json::object(), scan_description());
  Packet twice = frames(0, frame_count);
  twice.at("frame_index").view<std::int64_t, 1>()[4] = 3;
  EXPECT_THROW(stage.process(std::move(twice)), Error);
}

TEST_F(PtychoDm, AScanWithoutEndIsAnError) {
  stage.configure(Json::object(), scan_description());
  stage.process(frames(0, 3));
  EXPECT_THROW(stage.finalize(), Error);
}

/// Frames of one of several scans.
Packet frames_of(const std::string& scan, Index first, Index last) {
  Packet packet = frames(first, last);
  packet.metadata["scan"] = scan;
  packet.metadata["scan_count"] = 2;
  return packet;
}

TEST_F(PtychoDm, TakesScanAfterScan) {
  auto description = scan_description();
  description.metadata["scan_count"] = 2;
  description.metadata.erase("frame_count");
  stage.configure({{"iterations", 3}}, description);
  stage.process(frames_of("first", 0, 4));
  stage.process(frames_of("first", 4, frame_count));
  Packet six = frames_of("second", 0, 6);  // of another length
  six.metadata["frame_count"] = six.metadata["frame_count_local"] = 6;
  six.metadata["ends_scan"] = true;
  stage.process(std::move(six));
  stage.finalize();
  ASSERT_EQ(host.packets.size(), 2u);
  EXPECT_EQ(host.packets[0].metadata["scan"], "first");
  EXPECT_EQ(host.packets[0].at("view_offset_px").shape()[0], frame_count);
  EXPECT_EQ(host.packets[1].metadata["scan"], "second");
  EXPECT_EQ(host.packets[1].at("view_offset_px").shape()[0], 6);
  EXPECT_EQ(host.packets[1].at("object").shape()[1], host.packets[0].at("object").shape()[1] - 3)
      << "two rows of views, not three";
  EXPECT_EQ(host.figures["scans"]["first"]["iterations"], 3);
  EXPECT_GT(host.figures["scans"]["second"]["r_factor"], 0.0);
}

TEST_F(PtychoDm, StartsFromTheLastScansProbeIfAsked) {
  stage.configure({{"iterations", 20}, {"carry_probe", true}, {"probe_modes", 2}}, scan_description());
  for (const char* scan : {"first", "second"}) stage.process(frames_of(scan, 0, frame_count));
  ASSERT_EQ(host.packets.size(), 2u);
  const auto r = [&](int scan) { return host.packets[scan].at("history_fourier_error").view<const double, 1>()[0]; };
  EXPECT_LT(r(1), 0.8 * r(0)) << "the same frames again, and a probe that has been through 20 iterations";
}

TEST_F(PtychoDm, WantsACheckpointOfItsOwnForEachScan) {
  auto description = scan_description();
  description.metadata["scan_count"] = 2;
  const auto text = refusal({{"checkpoint", {{"file", "run.ckpt"}}}}, description);
  EXPECT_NE(text.find("put {scan} into the name"), std::string::npos) << text;
}

TEST(PtychoDmBackend, WithoutAGpuCudaIsAMissingResource) {
  FakeHost host;
  ptychoflow_host table = *host.table();
  table.backend = "cuda";
  const LoadedStage library(STAGE_MODULE, host);
  const auto& callbacks = library.descriptor();
  ptychoflow_instance* instance = callbacks.create(&table);
  const char* output = nullptr;
  const std::string in =
      Json{{"tensors", scan_description().tensors}, {"metadata", scan_description().metadata}}.dump();
  const auto status = callbacks.configure(instance, "{}", in.c_str(), &output);
  if (status == PTYCHOFLOW_OK) {
    callbacks.destroy(instance);
    GTEST_SKIP() << "this machine has a GPU";
  }
  EXPECT_EQ(status, PTYCHOFLOW_ERROR_RESOURCE);
  EXPECT_NE(std::string(callbacks.last_error(instance)).find("--backend cpu"), std::string::npos);
  callbacks.destroy(instance);
}

}  // namespace
}  // namespace ptychoflow::test
