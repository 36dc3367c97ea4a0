// Stage `save_volume`, driven through its C table: slabs in, a Data Exchange file out.
#include <gtest/gtest.h>

#include <fstream>

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

constexpr std::int64_t depth = 5, side = 6;

enum class With { delta, beta };

std::vector<float> voxels(std::int64_t first, std::int64_t count, float offset) {
  std::vector<float> v(static_cast<std::size_t>(count * side * side));
  for (std::size_t i = 0; i < v.size(); ++i)
    v[i] = offset + static_cast<float>(first * side * side) + static_cast<float>(i);
  return v;
}

/// Slices `first` … of a volume of 5 × 6 × 6 numbered voxels; beta is 1000 more.
Packet slab(std::int64_t first, std::int64_t count, With with = With::delta) {
  Packet p;
  p.tensors["volume"] = Tensor::own(voxels(first, count, 0), {count, side, side});
  if (with == With::beta) p.tensors["volume_beta"] = Tensor::own(voxels(first, count, 1000), {count, side, side});
  p.metadata = {{"volume_shape", {depth, side, side}},
                {"slab_first", first},
                {"voxel_size_m", {1e-8, 1e-8, 1e-8}},
                {"wavelength_m", 1e-10},
                {"series", "walnut"},
                {"ends_volume", first + count == depth}};
  return p;
}

stage::Description input(With with = With::delta) {
  stage::Description d;
  d.add("volume", "float32", {nullptr, side, side}, "z:y:x", "1");
  if (with == With::beta) d.add("volume_beta", "float32", {nullptr, side, side}, "z:y:x", "1");
  return d;
}

class SaveVolumeStage : public testing::Test {
 protected:
  Json params(Json more = Json::object()) const {
    more["file"] = (folder / "v.h5").string();
    return more;
  }
  void refuse(const Json& given, std::initializer_list<const char*> words, With with = With::delta) {
    LoadedStage save(STAGE_MODULE, host);
    expect_error([&] { save.configure(given, input(with)); }, ErrorCode::usage, words);
  }
  /// That the file holds all numbered voxels, and `more`, Python on the open file `f`.
  void expect_volume(const std::string& more = "") const {
    EXPECT_EQ(run_python(folder.path(),
                         "f = h5py.File('" + (folder / "v.h5").string() +
                             "')\nassert (f['exchange/data'][...] == np.arange(180).reshape(5, 6, 6)).all()\n" + more +
                             "\nprint('ok')"),
              "ok");
  }

  TempFolder folder;
  FakeHost host;
};

TEST_F(SaveVolumeStage, WritesSlabsAsTheyComeAndPassesAllOn) {
  if (!have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  LoadedStage save(STAGE_MODULE, host);
  EXPECT_TRUE(save.configure(params(), input(With::beta)).has("volume"));
  Packet first = slab(0, 2, With::beta);
  first.tensors["truth_volume"] = Tensor::own(std::vector<float>{7}, {1, 1, 1});
  save.process(std::move(first));
  EXPECT_FALSE(fs::exists(folder / "v.h5"));
  save.process(slab(2, 3, With::beta));
  save.finalize();
  EXPECT_EQ(folder.names(), (Names{"v.h5", "v_beta_slices.png", "v_slices.png"}));
  expect_volume(R"(
assert (f['exchange/data_beta'][...] == 1000 + f['exchange/data'][...]).all()
assert list(f['exchange/voxel_size']) == [1e-8] * 3 and f['exchange/title'][()] == b'walnut'
assert abs(f['measurement/instrument/monochromator/energy'][()] - 12.398419843) < 1e-8)");
  ASSERT_EQ(host.packets.size(), 2u);
  EXPECT_TRUE(host.packets[0].has("truth_volume") && host.packets[0].has("volume_beta"));
  EXPECT_EQ((host.packets[1].at("volume").view<const float, 3>()(0, 0, 0)), 72);
  EXPECT_EQ(host.packets[1].metadata.at("slab_first"), 2);
  EXPECT_EQ(host.figures.at("files"), (Json{folder / "v.h5", folder / "v_slices.png", folder / "v_beta_slices.png"}));
  EXPECT_NE(host.log_text().find("volume: " + (folder / "v.h5").string()), std::string::npos);
}

TEST_F(SaveVolumeStage, SlicesCanBeTiffsToo) {
  LoadedStage save(STAGE_MODULE, host);
  save.configure(params({{"tiff", true}, {"pictures", false}}), input(With::beta));
  save.process(slab(0, 5, With::beta));
  EXPECT_EQ(folder.names(), (Names{"v.h5", "v_beta_tiff", "v_tiff"}));
  for (int z = 0; z < depth; ++z) {
    EXPECT_TRUE(fs::exists(folder / ("v_tiff/v_000" + std::to_string(z) + ".tif"))) << z;
    EXPECT_TRUE(fs::exists(folder / ("v_beta_tiff/v_beta_000" + std::to_string(z) + ".tif"))) << z;
  }
}

TEST_F(SaveVolumeStage, TheTitleCanBeGiven) {
  if (!have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  LoadedStage save(STAGE_MODULE, host);
  save.configure(params({{"title", "mine"}, {"pictures", false}}), input());
  save.process(slab(0, 5));
  EXPECT_EQ(folder.names(), Names{"v.h5"});
  expect_volume("assert f['exchange/title'][()] == b'mine' and 'data_beta' not in f['exchange']");
}

TEST_F(SaveVolumeStage, RefusesBeforeDataMoves) {
  refuse({{"file", (folder / "none/v.h5").string()}}, {"no folder", "none"});
  std::ofstream(folder / "v_beta_slices.png") << "old";
  refuse(params(), {"v_beta_slices.png", "overwrite: true"}, With::beta);
  fs::create_directory(folder / "v_beta_tiff");
  refuse(params({{"pictures", false}, {"tiff", true}}), {"v_beta_tiff", "overwrite: true"}, With::beta);
  std::ofstream(folder / "v_slices.png") << "old";
  refuse(params(), {"v_slices.png", "overwrite: true"});
  fs::create_directory(folder / "v_tiff");
  refuse(params({{"pictures", false}, {"tiff", true}}), {"v_tiff", "overwrite: true"});
  std::ofstream(folder / "v.h5") << "old";
  refuse(params({{"pictures", false}}), {"v.h5", "overwrite: true"});
  std::ofstream(folder / "v_tiff/notes.txt") << "mine";
  refuse(params({{"overwrite", true}, {"tiff", true}}), {"v_tiff", "notes.txt"});
}

TEST_F(SaveVolumeStage, OverwritesWhenToldTo) {
  if (!have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  std::ofstream(folder / "v.h5") << "old";
  std::ofstream(folder / "v_slices.png") << "old";
  fs::create_directory(folder / "v_tiff");
  std::ofstream(folder / "v_tiff/v_0099.tif") << "old";
  LoadedStage save(STAGE_MODULE, host);
  save.configure(params({{"overwrite", true}, {"tiff", true}}), input());
  save.process(slab(0, 5));
  expect_volume();
  EXPECT_GT(fs::file_size(folder / "v_slices.png"), 1000u);
  EXPECT_FALSE(fs::exists(folder / "v_tiff/v_0099.tif"));
}

TEST_F(SaveVolumeStage, AVolumeThatDoesNotEndLeavesNoFile) {
  LoadedStage save(STAGE_MODULE, host);
  save.configure(params({{"tiff", true}}), input());
  save.process(slab(0, 2));
  EXPECT_EQ(folder.names().size(), 2u);  // under other names
  save.finalize();
  EXPECT_EQ(folder.names(), Names{});
  EXPECT_NE(host.log_text().find("v.h5: not written, since the volume did not come to its end"), std::string::npos);
}

TEST_F(SaveVolumeStage, FaultySlabsAreErrorsAndLeaveNothing) {
  const auto refused = [&](Packet second, std::initializer_list<const char*> words) {
    LoadedStage save(STAGE_MODULE, host);
    save.configure(params({{"tiff", true}}), input());
    save.process(slab(0, 2));
    expect_error([&] { save.process(std::move(second)); }, ErrorCode::other, words);
    EXPECT_EQ(folder.names(), Names{});
  };
  Packet p = slab(2, 3);
  p.metadata["slab_first"] = 4;
  refused(std::move(p), {"v.h5", "3 × 6 × 6", "slice 4", "5 × 6 × 6"});
  p = slab(2, 3);
  p.metadata.erase("slab_first");
  refused(std::move(p), {"v.h5", "without slab_first"});
  refused(slab(2, 3, With::beta), {"volume_beta"});
  p = slab(2, 2);
  p.metadata["ends_volume"] = true;
  refused(std::move(p), {"v.h5", "without slice 4"});
  refused(slab(1, 2), {"slice 1 comes a second time"});
  for (const char* name : {"volume_shape", "voxel_size_m"}) {
    LoadedStage save(STAGE_MODULE, host);
    save.configure(params(), input());
    p = slab(0, 2);
    p.metadata.erase(name);
    expect_error([&] { save.process(std::move(p)); }, ErrorCode::other, {"v.h5", name});
  }
  EXPECT_EQ(folder.names(), Names{});
}

TEST_F(SaveVolumeStage, ASecondVolumeIsRefusedAndTheFirstStays) {
  if (!have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  LoadedStage save(STAGE_MODULE, host);
  save.configure(params({{"overwrite", true}}), input());
  save.process(slab(0, 5));
  expect_error([&] { save.process(slab(0, 5)); }, ErrorCode::usage, {"v.h5", "one volume"});
  expect_volume();
}

TEST_F(SaveVolumeStage, AFullDiskIsReportedAndLeavesNothing) {
  for (const rlim_t bytes : {rlim_t{300}, rlim_t{2500}}) {
    LoadedStage save(STAGE_MODULE, host);
    save.configure(params({{"tiff", true}}), input());
    const FileSizeLimit limit(bytes);
    expect_error(
        [&] {
          save.process(slab(0, 2));
          save.process(slab(2, 3));
        },
        ErrorCode::resource, {"cannot be written", "File too large"});
    EXPECT_EQ(folder.names(), Names{}) << bytes;
  }
}

TEST_F(SaveVolumeStage, OtherRanksOnlyPassOn) {
  FakeHost second(1, 2);
  LoadedStage save(STAGE_MODULE, second);
  save.configure({{"file", (folder / "none/v.h5").string()}}, input());  // rank 0 says what is wrong with it
  Packet bare = slab(0, 5);
  bare.tensors.clear();
  save.process(std::move(bare));
  save.finalize();
  EXPECT_EQ(second.packets.size(), 1u);
  EXPECT_TRUE(second.lines.empty());
  EXPECT_EQ(folder.names(), Names{});
}

}  // namespace
}  // namespace ptychoflow::test
