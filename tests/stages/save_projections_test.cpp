// Stage `save_projections`, driven through its C table.
#include <gtest/gtest.h>

#include <fstream>
#include <numeric>

#include "tests/support/fake_host.hpp"
#include "tests/support/file_size_limit.hpp"
#include "tests/support/h5py.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::test {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;
using stage::Json;
using stage::Packet;
using stage::Tensor;

/// Three projections of 6 × 8 numbered pixels.
Packet projections() {
  std::vector<float> phase(3 * 6 * 8);
  std::iota(phase.begin(), phase.end(), 0.0f);
  std::vector<float> absorption(phase.rbegin(), phase.rend());
  Packet p;
  p.tensors["projections"] = Tensor::own(std::move(phase), {3, 6, 8});
  p.tensors["absorption_projections"] = Tensor::own(std::move(absorption), {3, 6, 8});
  p.tensors["projection_deg"] = Tensor::own(std::vector<double>{-60, 0, 60}, {3});
  p.tensors["projection_shift_px"] = Tensor::own(std::vector<double>(6), {3, 2});
  p.metadata = {{"pixel_size_m", {2e-8, 1e-8}},
                {"wavelength_m", 1e-10},
                {"rotation_axis_px", 3.5},
                {"series", "walnut"},
                {"projection_count", 3}};
  return p;
}

stage::Description input() {
  stage::Description d;
  d.add("projections", "float32", {nullptr, nullptr, nullptr}, "angle:y:x", "rad");
  d.add("projection_deg", "float64", {nullptr}, "angle", "deg");
  return d;
}

class SaveProjectionsStage : public testing::Test {
 protected:
  Json params(Json more = Json::object()) const {
    more["file"] = (folder / "p.h5").string();
    return more;
  }
  void refuse(const Json& given, std::initializer_list<const char*> words) {
    LoadedStage save(STAGE_MODULE, host);
    expect_error([&] { save.configure(given, input()); }, ErrorCode::usage, words);
  }
  /// `checks`: Python on the open file `f` and the numbers `n` that the projections hold.
  void expect_file(const std::string& checks) const {
    EXPECT_EQ(run_python(folder.path(), "f = h5py.File('" + (folder / "p.h5").string() +
                                            "')\nn = np.arange(144).reshape(3, 6, 8)\n" + checks + "\nprint('ok')"),
              "ok");
  }

  TempFolder folder;
  FakeHost host;
};

TEST_F(SaveProjectionsStage, WritesDataExchangeAndPicturesAndPassesAllOn) {
  if (!have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  LoadedStage save(STAGE_MODULE, host);
  EXPECT_TRUE(save.configure(params(), input()).has("projections"));
  save.process(projections());
  save.finalize();
  EXPECT_EQ(folder.names(), (Names{"p.h5", "p_montage.png", "p_sinogram.png"}));
  expect_file(R"(
assert f['implements'][()] == b'exchange' and (f['exchange/data'][...] == n).all()
assert list(f['exchange/theta']) == [-60, 0, 60] and f['exchange/theta'].attrs['units'] == b'degree'
assert (f['exchange/data_absorption'][...] == 143 - n).all() and f['exchange/title'][()] == b'walnut'
assert f['measurement/instrument/detector/y_pixel_size'][()] == 2e-8
assert f['process/ptychoflow/rotation_axis'][()] == 3.5
assert abs(f['measurement/instrument/monochromator/energy'][()] - 12.398419843) < 1e-8)");
  ASSERT_EQ(host.packets.size(), 1u);
  EXPECT_EQ(host.packets[0].tensors.size(), 4u);
  EXPECT_EQ((host.packets[0].at("projections").view<const float, 3>()(2, 5, 7)), 143);
  EXPECT_EQ(host.figures.at("files"), (Json{folder / "p.h5", folder / "p_montage.png", folder / "p_sinogram.png"}));
  EXPECT_NE(host.log_text().find("projections: " + (folder / "p.h5").string()), std::string::npos);
}

TEST_F(SaveProjectionsStage, WritesNXtomo) {
  if (!have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  LoadedStage save(STAGE_MODULE, host);
  save.configure(params({{"format", "nxtomo"}, {"pictures", false}, {"title", "mine"}}), input());
  save.process(projections());
  EXPECT_EQ(folder.names(), Names{"p.h5"});
  expect_file(R"(
e = f['entry']
assert e['definition'][()] == b'NXtomo' and e['title'][()] == b'mine'
assert (e['data/data'][...] == n).all() and list(e['instrument/detector/image_key']) == [0, 0, 0]
assert list(e['sample/rotation_angle']) == [-60, 0, 60] and e['sample/rotation_angle'].attrs['units'] == b'degree'
assert (e['absorption/data'][...] == 143 - n).all() and e['process/rotation_axis'][()] == 3.5)");
}

TEST_F(SaveProjectionsStage, ProjectionsCanBeTiffsToo) {
  LoadedStage save(STAGE_MODULE, host);
  save.configure(params({{"tiff", true}, {"pictures", false}}), input());
  save.process(projections());
  EXPECT_EQ(folder.names(), (Names{"p.h5", "p_tiff"}));
  for (const char* name : {"p_0000.tif", "p_0001.tif", "p_0002.tif"}) EXPECT_TRUE(fs::exists(folder / "p_tiff" / name));
}

TEST_F(SaveProjectionsStage, AbsorptionAndAxisMayBeMissing) {
  if (!have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  LoadedStage save(STAGE_MODULE, host);
  save.configure(params(), input());
  Packet p = projections();
  p.take("absorption_projections");
  p.metadata = {{"pixel_size_m", {1e-8, 1e-8}}};
  save.process(std::move(p));
  expect_file("assert sorted(f['exchange']) == ['data', 'theta'] and 'process' not in f");
}

TEST_F(SaveProjectionsStage, RefusesBeforeDataMoves) {
  refuse({{"file", (folder / "none/p.h5").string()}}, {"no folder", "none"});
  std::ofstream(folder / "p_sinogram.png") << "old";
  refuse(params(), {"p_sinogram.png", "overwrite: true"});
  std::ofstream(folder / "p_montage.png") << "old";
  refuse(params(), {"p_montage.png", "overwrite: true"});
  fs::create_directory(folder / "p_tiff");
  refuse(params({{"tiff", true}}), {"p_tiff", "overwrite: true"});
  std::ofstream(folder / "p.h5") << "old";
  refuse(params(), {"p.h5", "overwrite: true"});
}

TEST_F(SaveProjectionsStage, OverwritesWhenToldTo) {
  if (!have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  for (const char* name : {"p.h5", "p_montage.png", "p_sinogram.png"}) std::ofstream(folder / name) << "old";
  LoadedStage save(STAGE_MODULE, host);
  save.configure(params({{"overwrite", true}}), input());
  save.process(projections());
  expect_file("assert (f['exchange/data'][...] == n).all()");
  EXPECT_GT(fs::file_size(folder / "p_montage.png"), 1000u);
  EXPECT_GT(fs::file_size(folder / "p_sinogram.png"), 1000u);
}

TEST_F(SaveProjectionsStage, AFileThatAppearsMeanwhileIsNotLost) {
  LoadedStage save(STAGE_MODULE, host);
  save.configure(params(), input());
  std::ofstream(folder / "p.h5") << "mine";
  expect_error([&] { save.process(projections()); }, ErrorCode::usage, {"p.h5", "already there"});
  EXPECT_EQ(folder.names(), Names{"p.h5"});
  EXPECT_EQ(fs::file_size(folder / "p.h5"), 4u);
}

TEST_F(SaveProjectionsStage, FaultyPacketsAreErrorsAndLeaveNothing) {
  const auto refused = [&](Packet p, std::initializer_list<const char*> words) {
    LoadedStage save(STAGE_MODULE, host);
    save.configure(params(), input());
    expect_error([&] { save.process(std::move(p)); }, ErrorCode::other, words);
    EXPECT_EQ(folder.names(), Names{});
  };
  Packet p = projections();
  p.take("projection_deg");
  refused(std::move(p), {"projection_deg"});
  p = projections();
  p.tensors["projection_deg"] = Tensor::own(std::vector<double>{1, 2}, {2});
  refused(std::move(p), {"one angle a projection"});
  p = projections();
  p.metadata.erase("pixel_size_m");
  refused(std::move(p), {"p.h5", "without pixel_size_m"});
}

TEST_F(SaveProjectionsStage, ASecondSeriesIsRefused) {
  LoadedStage save(STAGE_MODULE, host);
  save.configure(params({{"overwrite", true}}), input());
  save.process(projections());
  expect_error([&] { save.process(projections()); }, ErrorCode::usage, {"p.h5", "one series"});
}

TEST_F(SaveProjectionsStage, AFullDiskIsReportedAndLeavesNothing) {
  for (const char* format : {"data_exchange", "nxtomo"}) {
    LoadedStage save(STAGE_MODULE, host);
    save.configure(params({{"format", format}, {"tiff", true}}), input());
    const FileSizeLimit limit(700);
    expect_error([&] { save.process(projections()); }, ErrorCode::resource, {"cannot be written", "File too large"});
    EXPECT_EQ(folder.names(), Names{}) << format;
  }
}

TEST_F(SaveProjectionsStage, OtherRanksOnlyPassOn) {
  FakeHost second(1, 2);
  LoadedStage save(STAGE_MODULE, second);
  save.configure({{"file", (folder / "none/p.h5").string()}}, input());  // rank 0 says what is wrong with it
  Packet bare = projections();
  bare.tensors.clear();
  save.process(std::move(bare));
  EXPECT_EQ(second.packets.size(), 1u);
  EXPECT_TRUE(second.lines.empty());
  EXPECT_EQ(folder.names(), Names{});
}

}  // namespace
}  // namespace ptychoflow::test
