// The stage load, driven through its C table on files that h5py wrote.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/support/fake_host.hpp"
#include "tests/support/h5py.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow {
namespace {

using stage::Json;
using stage::Packet;
using test::expect_error;
using test::FakeHost;
using test::LoadedStage;

class Load : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  }

  /// Makes the small scan, with `changes` in Python (see make_cxi).
  void make(const std::string& changes = "") { test::make_cxi(file_, changes); }

  Json params(const Json& more = Json::object()) const {
    Json all{{"file", file_.string()}};
    all.update(more);
    return all;
  }

  stage::Description configure(const Json& more = Json::object()) {
    return LoadedStage(STAGE_MODULE, host_).configure(params(more));
  }

  /// Runs the stage to its end and returns what it declared; the packets are in `host_`.
  stage::Description load(const Json& more = Json::object()) { return load_as(host_, more); }
  stage::Description load_as(FakeHost& host, const Json& more = Json::object()) const {
    LoadedStage loader(STAGE_MODULE, host);
    const auto declared = loader.configure(params(more));
    while (loader.produce()) {
    }
    loader.finalize();
    return declared;
  }

  /// The message of configure (or of the whole run) says all of `parts`, and no file was added to the folder.
  void expect_refused(ErrorCode code, std::initializer_list<const char*> parts, const Json& more = Json::object()) {
    const auto before = folder_.names();
    expect_error([&] { load(more); }, code, parts);
    EXPECT_EQ(folder_.names(), before);
  }

  template <class T>
  View<const T, 3> frames(std::size_t packet = 0) const {
    return host_.packets.at(packet).at("frames").view<const T, 3>();
  }
  View<const double, 2> positions() const { return host_.packets.at(0).at("positions_m").view<const double, 2>(); }
  View<const std::uint8_t, 2> mask() const { return host_.packets.at(0).at("mask").view<const std::uint8_t, 2>(); }

  test::TempFolder folder_;
  std::filesystem::path file_ = folder_ / "scan.cxi";
  FakeHost host_;
};

/// Sum of what is stored in one frame, by h5py.
double stored_sum(const std::filesystem::path& file, const std::string& part) {
  return std::stod(test::run_python(
      file.parent_path(), "print(h5py.File('" + file.string() + "')['entry_1/data_1/data']" + part + ".sum())"));
}

template <class T>
double sum(View<const T, 2> frame) {
  double total = 0;
  for (const T count : frame) total += static_cast<double>(count);
  return total;
}

TEST_F(Load, PassesFramesPositionsMaskAndGeometryOn) {
  make();
  const auto declared = load({{"block_frames", 5}});
  EXPECT_EQ(declared.tensors["frames"]["dtype"], "uint16");
  EXPECT_EQ(declared.tensors["frames"]["shape"], Json({nullptr, 16, 20}));
  ASSERT_EQ(host_.packets.size(), 3u);
  EXPECT_EQ(host_.packets[0].at("frames").shape(), (std::vector<std::int64_t>{5, 16, 20}));
  EXPECT_EQ(host_.packets[2].at("frames").shape(), (std::vector<std::int64_t>{2, 16, 20}));
  EXPECT_EQ((host_.packets[2].at("frame_index").view<const std::int64_t, 1>()[1]), 11);
  EXPECT_FALSE(host_.packets[1].ends_scan());
  EXPECT_TRUE(host_.packets[2].ends_scan());
  EXPECT_FALSE(host_.packets[1].has("mask"));
  EXPECT_EQ(sum(frames<std::uint16_t>(1)[1]), stored_sum(file_, "[6]"));
  EXPECT_NEAR(positions()(0, 1), 4e-6, 1e-20);  // x of frame 0
  EXPECT_NEAR(positions()(3, 0), 4e-6, 1e-20);  // y of frame 3
  EXPECT_EQ(mask()(0, 0), 1);
  EXPECT_EQ(mask()(1, 1), 0);
  const Json& m = host_.packets[0].metadata;
  EXPECT_EQ(m["scan"], "scan");
  EXPECT_EQ(m["frame_count"], 12);
  EXPECT_EQ(m["frame_count_local"], 12);
  EXPECT_NEAR(m["wavelength_m"].get<double>(), 1e-10, 1e-20);
  EXPECT_EQ(m["distance_m"], 2.0);
  EXPECT_EQ(m["detector_pixel_m"], Json({1e-5, 1e-5}));
  EXPECT_FALSE(m.contains("negative_is_masked"));
}

TEST_F(Load, GivesEachRankItsShare) {
  make();
  double index = 0, light = 0;
  for (int rank = 0; rank < 5; ++rank) {
    FakeHost host(rank, 5);
    load_as(host);
    ASSERT_EQ(host.packets.size(), 1u);
    EXPECT_TRUE(host.packets[0].has("mask"));
    EXPECT_TRUE(host.packets[0].ends_scan());
    const auto counts = host.packets[0].at("frames").view<const std::uint16_t, 3>();
    EXPECT_EQ(host.packets[0].metadata["frame_count_local"], counts.extent(0));
    for (const auto i : host.packets[0].at("frame_index").view<const std::int64_t, 1>()) {
      EXPECT_EQ(static_cast<double>(i), index++);
    }
    for (Index j = 0; j < counts.extent(0); ++j) light += sum(counts[j]);
  }
  EXPECT_EQ(index, 12);
  EXPECT_EQ(light, stored_sum(file_, "[()]"));
}

TEST_F(Load, SelectsFrames) {
  make();
  load({{"frames", {{"first", 1}, {"last", 10}, {"step", 3}}}});
  EXPECT_EQ(frames<std::uint16_t>().extent(0), 4);
  EXPECT_EQ(sum(frames<std::uint16_t>()[3]), stored_sum(file_, "[10]"));
  EXPECT_NEAR(positions()(3, 0), 4e-6 * std::sin(10 * 2 * 3.141592653589793 / 12), 1e-15);
  EXPECT_EQ((host_.packets[0].at("frame_index").view<const std::int64_t, 1>()[3]), 3);
}

TEST_F(Load, SwapsThenFlipsThenScalesPositions) {
  make("replace(t, 2 * xyz + [0, 1, 0])");
  load({{"positions", {{"swap_xy", true}, {"flip_x", true}, {"scale", 0.5}}}});
  EXPECT_NEAR(positions()(0, 0), 4e-6, 1e-20);  // the file's x
  EXPECT_NEAR(positions()(0, 1), -0.5, 1e-20);  // the file's y, its sign changed
}

TEST_F(Load, CutsAroundTheCentreItFinds) {
  make("replace(d + 'data', np.roll(frames, (3, -2), (1, 2)))\nf[d + 'data'][:, 11, 8] += 1000");
  load({{"frame_size", 8}});
  EXPECT_EQ(frames<std::uint16_t>().extents(), (Extents<3>{12, 8, 8}));
  EXPECT_GT(frames<std::uint16_t>()(0, 4, 4), 1000);
  EXPECT_NE(host_.log_text().find("centre was found at pixel [11, 8]"), std::string::npos) << host_.log_text();
}

TEST_F(Load, PadsWithPixelsThatAreNotMeasured) {
  make();
  load({{"frame_size", {24, 20}}, {"center", {8, 10}}, {"pad", true}});
  EXPECT_EQ(frames<std::uint16_t>().extents(), (Extents<3>{12, 24, 20}));
  EXPECT_EQ(sum(frames<std::uint16_t>()[2]), stored_sum(file_, "[2]"));
  EXPECT_EQ(mask()(3, 5), 1);
  EXPECT_EQ(mask()(4, 0), 1);  // the file's own bad pixel
  EXPECT_EQ(mask()(4, 1), 0);
  EXPECT_EQ(mask()(20, 5), 1);
}

TEST_F(Load, SubtractsTheDarkAndMarksSaturation) {
  make(R"(
frames[:] = 5
frames[0, 8, 10], frames[0, 8, 11] = 100, 99
replace(d + 'data', frames)
f[d + 'data_dark'] = np.full((ny, nx), 7.0)
f[d + 'data_dark'][8] = 2.5)");
  const auto declared = load({{"dark", "file"}, {"saturation", 100}});
  EXPECT_EQ(declared.tensors["frames"]["dtype"], "float32");
  EXPECT_EQ(declared.metadata["negative_is_masked"], true);
  EXPECT_EQ(frames<float>()(0, 8, 10), -1);
  EXPECT_EQ(frames<float>()(0, 8, 11), 96.5f);
  EXPECT_EQ(frames<float>()(1, 8, 10), 2.5f);
  EXPECT_EQ(frames<float>()(1, 7, 10), 0);
}

TEST_F(Load, PassesAProbeAndTheTruthOnIfTheyFit) {
  make(R"(
f['entry_1/instrument_1/initial_probe'] = np.full((ny, nx), 2 + 1j, 'complex64')
f['truth/object'] = np.ones((1, 60, 60), 'complex128')
f['truth/probe'] = np.ones((2, ny, nx), 'complex64')
f['truth/frame_offset_px'] = np.arange(2 * N).reshape(N, 2))");
  const auto declared = load({{"frames", {{"step", 2}}}});
  EXPECT_EQ(declared.tensors["initial_probe"]["shape"], Json({1, 16, 20}));
  EXPECT_EQ(declared.tensors["truth_object"]["dtype"], "complex128");
  const Packet& first = host_.packets[0];
  EXPECT_EQ((first.at("initial_probe").view<const Complex<float>, 3>()(0, 1, 1)), (Complex<float>{2, 1}));
  EXPECT_EQ(first.at("truth_probe").shape(), (std::vector<std::int64_t>{2, 16, 20}));
  EXPECT_EQ((first.at("truth_offset_px").view<const std::int32_t, 2>()(5, 1)), 21);

  FakeHost cropped;
  const auto without = load_as(cropped, {{"frame_size", 8}, {"center", {8, 10}}});
  EXPECT_FALSE(without.has("initial_probe"));
  EXPECT_FALSE(cropped.packets[0].has("truth_object"));
  EXPECT_NE(cropped.log_text().find("does not fit"), std::string::npos);
}

TEST_F(Load, TakesGeometryFromParametersFirst) {
  make("del f[s + 'energy'], f[d + 'distance'], f[d + 'x_pixel_size'], f[d + 'y_pixel_size']");
  expect_refused(ErrorCode::data, {"scan.cxi", "photon energy", "energy_keV"});
  expect_refused(ErrorCode::data, {"distance", "distance_m"}, {{"energy_keV", 8}});
  expect_refused(ErrorCode::data, {"pixel_size", "detector_pixel_um"}, {{"energy_keV", 8}, {"distance_m", 3}});
  const auto declared = configure({{"energy_keV", 8}, {"distance_m", 3}, {"detector_pixel_um", {10, 20}}});
  EXPECT_NEAR(declared.metadata["wavelength_m"].get<double>(), 1.5498e-10, 1e-14);
  EXPECT_EQ(declared.metadata["distance_m"], 3.0);
  EXPECT_NEAR(declared.metadata["detector_pixel_m"][1].get<double>(), 20e-6, 1e-15);
}

TEST_F(Load, RefusesBadGeometry) {
  make("replace(d + 'distance', -1.0)");
  expect_refused(ErrorCode::data, {"distance", "-1", "positive"});
  make("replace(d + 'x_pixel_size', np.nan)");
  expect_refused(ErrorCode::data, {"x_pixel_size", "nan"});
  make("replace(s + 'energy', 7200.0)");
  expect_refused(ErrorCode::data, {"photon energy", "which no X-ray has", "energy_keV"});
}

TEST_F(Load, RefusesFilesThatItCannotOpen) {
  expect_refused(ErrorCode::data, {"scan.cxi", "no such file"});
  std::ofstream(file_) << "frames, frames, frames";
  expect_refused(ErrorCode::data, {"scan.cxi", "not an HDF5 file"});
  make();
  std::filesystem::resize_file(file_, std::filesystem::file_size(file_) / 2);
  expect_refused(ErrorCode::data, {"scan.cxi", "truncated"});
}

TEST_F(Load, RefusesMissingDatasets) {
  make("del f['entry_1/data_1/data']; f.move(d + 'data', d + 'frames')");
  expect_refused(ErrorCode::data, {"no frames", "/entry_1/data_1/data", "/entry_1/instrument_1/detector_1/data"});
  make("del f[t]; f['entry_1/sample_1/geometry_1/translations'] = xyz");
  expect_refused(ErrorCode::data, {"no positions", "/entry_1/sample_1/geometry_1/translation"});
}

TEST_F(Load, RefusesWrongRanksAndTypes) {
  make("replace(d + 'data', frames[0])");
  expect_refused(ErrorCode::data, {"/entry_1/data_1/data", "2 dimensions (16, 20)", "frame, y, x"});
  make("replace(d + 'data', frames.astype('complex64'))");
  expect_refused(ErrorCode::data, {"/entry_1/data_1/data", "complex64", "must be numbers"});
  make("replace(t, xyz.astype('S8'))");
  expect_refused(ErrorCode::data, {"translation", "text"});
  make("replace(d + 'mask', mask[1:])");
  expect_refused(ErrorCode::data, {"mask", "(15, 20)", "(16, 20)"});
}

TEST_F(Load, RefusesCountsThatDoNotMatch) {
  make("replace(t, xyz[:-1])");
  expect_refused(ErrorCode::data, {"translation", "(11, 3)", "12 frames"});
  make("replace(d + 'data', frames[:0]); replace(t, xyz[:0])");
  expect_refused(ErrorCode::data, {"no frames", "(0, 16, 20)"});
  make();
  FakeHost host(0, 13);
  expect_error([&] { LoadedStage(STAGE_MODULE, host).configure(params()); }, ErrorCode::usage,
               {"13 ranks are more than the 12 frames"});
  expect_refused(ErrorCode::usage, {"0 to 12", "has 12"}, {{"frames", {{"last", 12}}}});
  expect_refused(ErrorCode::usage, {"last (3) is before first (5)"}, {{"frames", {{"first", 5}, {"last", 3}}}});
}

TEST_F(Load, RefusesFramesWithoutLight) {
  make("replace(d + 'data', 0 * frames)");
  expect_refused(ErrorCode::data, {"all 12 frames", "zero"}, {{"block_frames", 12}});
  for (const auto& packet : host_.packets) EXPECT_FALSE(packet.ends_scan());
  expect_refused(ErrorCode::data, {"centre cannot be found", "center: [y, x]"}, {{"frame_size", 8}});
}

TEST_F(Load, RefusesCountsThatAreNone) {
  make("a = frames.astype('float32'); a[7, 3, 4] = np.nan; replace(d + 'data', a)");
  expect_refused(ErrorCode::data, {"/entry_1/data_1/data", "frame 7", "NaN", "y 3, x 4"});
  make("a = frames.astype('float64'); a[2, 1, 0] = np.inf; replace(d + 'data', a)");
  expect_refused(ErrorCode::data, {"frame 2", "infinite", "y 1, x 0"});
  make("a = frames.astype('int32'); a[9, 5, 6] = -2; replace(d + 'data', a)");
  expect_refused(ErrorCode::data, {"frame 9", "negative (-2)", "y 5, x 6"});
  make("a = frames.astype('int16'); a[:, 0, 0] = -2; replace(d + 'data', a)");  // a pixel that the mask marks
  load();
  EXPECT_EQ(frames<std::int32_t>()(0, 0, 0), 0);
}

TEST_F(Load, RefusesPositionsThatCannotBe) {
  make("a = xyz.copy(); a[4, 1] = np.nan; replace(t, a)");
  expect_refused(ErrorCode::data, {"translation", "y position of frame 4", "nan"});
  make("replace(t, 1e6 * xyz)");
  expect_refused(ErrorCode::data, {"look like µm", "scale: 1e-6", "GiB"});
  load({{"positions", {{"scale", 1e-6}}}});
  make("replace(t, 0 * xyz)");
  expect_refused(ErrorCode::data, {"a single position", "overlapping"});
}

TEST_F(Load, RefusesMasksAndWindowsThatLeaveNothing) {
  make("replace(d + 'mask', np.ones((ny, nx), 'uint32'))");
  expect_refused(ErrorCode::data, {"mask", "every one of the 16 × 20"});
  make();
  expect_refused(ErrorCode::usage, {"frame_size 32 × 32 is larger than the frames, 16 × 20"}, {{"frame_size", 32}});
  expect_refused(ErrorCode::usage, {"center [2, 2] runs over the edge"}, {{"frame_size", 12}, {"center", {2, 2}}});
  expect_refused(ErrorCode::usage, {"center", "frame_size"}, {{"center", {2, 2}}});
  expect_refused(ErrorCode::data, {"data_dark"}, {{"dark", "file"}});
}

TEST_F(Load, StopsWhenAStageDownstreamFails) {
  make();
  host_.emit_answer = PTYCHOFLOW_ERROR_DATA;
  expect_error([&] { load({{"block_frames", 1}}); }, ErrorCode::data, {""});
  EXPECT_EQ(host_.packets.size(), 1u);
}

TEST(LoadData, ReadsTheMeasuredAndTheSimulatedScans) {
  const char* data = std::getenv("PTYCHOFLOW_DATA");
  if (!data) GTEST_SKIP() << "PTYCHOFLOW_DATA does not name the folder of test scans";
  const struct {
    const char* name;
    std::int64_t frames, size;
    bool truth;
  } scans[] = {{"real/siemens_star_aps_velociprobe.cxi", 516, 128, false},
               {"real/etched_pattern_aps_20frames.cxi", 20, 256, false},
               {"peer/small_3mode.cxi", 200, 128, true}};
  for (const auto& scan : scans) {
    FakeHost host;
    LoadedStage loader(STAGE_MODULE, host);
    loader.configure({{"file", std::string(data) + "/" + scan.name}});
    while (loader.produce()) {
    }
    std::int64_t frames = 0;
    for (const auto& packet : host.packets) frames += packet.at("frames").shape()[0];
    EXPECT_EQ(frames, scan.frames);
    EXPECT_EQ(host.packets[0].at("initial_probe").shape(), (std::vector<std::int64_t>{1, scan.size, scan.size}));
    EXPECT_EQ(host.packets[0].has("truth_offset_px"), scan.truth);
  }
}

}  // namespace
}  // namespace ptychoflow
