// Several scans in one run: how load is told of them, and what it sends.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>

#include "tests/support/fake_host.hpp"
#include "tests/support/h5py.hpp"
#include "tests/support/page_cache.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow {
namespace {

using stage::Json;
using test::expect_error;
using test::FakeHost;
using test::LoadedStage;

/// A series: the small scan once for each angle, in scan_1.cxi, scan_2.cxi, scan_10.cxi, with fewer frames each.
class LoadSeries : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
    for (const char* number : {"1", "2", "10"}) test::make_cxi(folder_ / ("scan_" + std::string(number) + ".cxi"));
  }

  /// Loads with `files` alone.
  void load_series(const Json& files, const Json& more = Json::object()) {
    Json all{{"files", files}};
    all.update(more);
    LoadedStage loader(STAGE_MODULE, host_);
    declared_ = loader.configure(all);
    while (loader.produce()) {
    }
    loader.finalize();
  }

  std::string path(const char* name) const { return (folder_ / name).string(); }
  void write_table(const std::string& text) const { std::ofstream(folder_ / "angles.txt") << text; }
  Json table() const { return {{"table", path("angles.txt")}}; }

  /// "scan_1 12 0.5": name, frames and angle of each scan that ended.
  std::vector<std::string> scans() const {
    std::vector<std::string> ended;
    Index frames = 0;
    for (const auto& packet : host_.packets) {
      frames += packet.at("frame_index").shape()[0];
      if (!packet.ends_scan()) continue;
      const auto& m = packet.metadata;
      const std::string angle = m.contains("rotation_deg") ? fmt::format(" {}", m["rotation_deg"].get<double>()) : "";
      ended.push_back(fmt::format("{} {}{}", m.at("scan").get<std::string>(), frames, angle));
      frames = 0;
    }
    return ended;
  }

  test::TempFolder folder_;
  FakeHost host_;
  stage::Description declared_;
};

TEST_F(LoadSeries, LeavesOutScansWhoseResultsAreThere) {
  std::ofstream(folder_ / "scan_2.h5") << "a result";
  const Json result{{"skip_if_exists", path("{scan}.h5")}};
  load_series(path("scan_*.cxi"), result);
  EXPECT_EQ(scans(), (std::vector<std::string>{"scan_1 12", "scan_10 12"}));
  EXPECT_NE(host_.log_text().find("1 of 3 scans are left out"), std::string::npos) << host_.log_text();
  for (const char* done : {"scan_1.h5", "scan_10.h5"}) std::ofstream(folder_ / done) << "a result";
  expect_error([&] { load_series(path("scan_*.cxi"), result); }, ErrorCode::usage,
               {"nothing is left to do", "all scans, 3 of them"});
  expect_error(
      [&] {
        load_series(path("scan_*.cxi"), {{"skip_if_exists", path("r.h5")}});
      },
      ErrorCode::usage, {"put {scan} into it"});
}

TEST_F(LoadSeries, ReadsTheNextFileAheadWhileOneIsWorkedOn) {
  const auto next = folder_ / "scan_2.cxi", last = folder_ / "scan_10.cxi";
  if (!test::forget(next) || !test::forget(last))
    GTEST_SKIP() << "this system keeps files in memory, whatever one tells it";
  LoadedStage loader(STAGE_MODULE, host_);
  loader.configure({{"files", path("scan_*.cxi")}});
  EXPECT_TRUE(loader.produce());
  ASSERT_TRUE(host_.packets.back().ends_scan());
  const auto is_here = [](const std::filesystem::path& file) {
    const auto pages = test::pages_in_memory(file);
    return std::count(pages.begin(), pages.end(), true) > std::count(pages.begin(), pages.end(), false);
  };
  EXPECT_TRUE(test::comes_true([&] { return is_here(next); }));
  EXPECT_FALSE(is_here(last)) << "only the next one is";
}

/// Takes frames ahead, as many packets' as it is told.
class TakesAhead {
 public:
  TakesAhead(FakeHost& host, int packets) : left_(packets) {
    host.ahead = [this](stage::Packet& packet) {
      if (left_ > 0) {
        const auto index = packet.at("frame_index").view<const std::int64_t, 1>();
        taken_.push_back(fmt::format("{} {} to {}{}", packet.metadata.at("scan").get<std::string>(), *index.begin(),
                                     *(index.end() - 1), packet.has("mask") ? " with mask" : ""));
        packet.take("frames");
      }
      --left_;
    };
  }
  /// Waits until all that may come has come.
  void wait() const {
    EXPECT_TRUE(test::comes_true([this] { return left_ <= 0; }));
  }
  /// Once `wait` has returned.
  const std::vector<std::string>& taken() const { return taken_; }

 private:
  std::atomic<int> left_;
  std::vector<std::string> taken_;
};

TEST_F(LoadSeries, SendsTheNextScansFramesAhead) {
  TakesAhead next(host_, 3);
  LoadedStage loader(STAGE_MODULE, host_);
  loader.configure({{"files", path("scan_*.cxi")}, {"block_frames", 5}});
  for (int i = 0; i < 3; ++i) loader.produce();
  ASSERT_TRUE(host_.packets.back().ends_scan());
  next.wait();
  EXPECT_EQ(next.taken(), (std::vector<std::string>{"scan_2 0 to 4 with mask", "scan_2 5 to 9", "scan_2 10 to 11"}));
  for (int i = 0; i < 3; ++i) {
    loader.produce();
    const auto& packet = host_.packets.back();
    EXPECT_FALSE(packet.has("frames")) << "they are there";
    EXPECT_TRUE(packet.has("positions_m") && packet.has("frame_index"));
    EXPECT_EQ(packet.has("mask"), i == 0);
    EXPECT_EQ(packet.ends_scan(), i == 2);
    EXPECT_EQ(packet.metadata["scan"], "scan_2");
  }
  while (loader.produce()) {
  }
  EXPECT_TRUE(host_.packets.back().has("frames")) << "the last scan's were not wanted";
  EXPECT_EQ(scans(), (std::vector<std::string>{"scan_1 12", "scan_2 12", "scan_10 12"}));
}

TEST_F(LoadSeries, ReadsInItsTurnWhatIsNotTakenAhead) {
  TakesAhead next(host_, 1);
  LoadedStage loader(STAGE_MODULE, host_);
  loader.configure({{"files", path("scan_*.cxi")}, {"block_frames", 5}});
  for (int i = 0; i < 3; ++i) loader.produce();
  next.wait();
  for (const bool has_frames : {false, true, true}) {
    loader.produce();
    EXPECT_EQ(host_.packets.back().has("frames"), has_frames);
  }
  EXPECT_EQ(next.taken(), (std::vector<std::string>{"scan_2 0 to 4 with mask"}));
}

TEST_F(LoadSeries, TellsInItsTurnWhatWasWrongAhead) {
  test::make_cxi(folder_ / "scan_2.cxi",
                 "frames = frames.astype('int32'); frames[7, 3, 3] = -1; replace(d + 'data', frames)");
  for (const char* name : {"scan_1.cxi", "scan_10.cxi"})
    test::make_cxi(folder_ / name, "replace(d + 'data', frames.astype('int32'))");
  TakesAhead next(host_, 1);
  LoadedStage loader(STAGE_MODULE, host_);
  loader.configure({{"files", path("scan_*.cxi")}, {"block_frames", 5}});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(loader.produce());
  next.wait();
  expect_error(
      [&] {
        for (int i = 0; i < 3; ++i) loader.produce();
      },
      ErrorCode::data, {"scan_2.cxi", "frame 7", "-1"});
  EXPECT_EQ(loader.current_scan(), "scan_2");
  loader.abandon_scan();
  while (loader.produce()) {
  }
  EXPECT_EQ(host_.packets.back().metadata["scan"], "scan_10");
}

TEST_F(LoadSeries, TakesAPatternInTheOrderOfItsNumbers) {
  load_series(path("scan_*.cxi"), {{"block_frames", 5}});
  EXPECT_EQ(scans(), (std::vector<std::string>{"scan_1 12", "scan_2 12", "scan_10 12"}));
  EXPECT_EQ(host_.packets.size(), 9u) << "three blocks a scan";
  EXPECT_TRUE(host_.packets[3].has("mask")) << "each scan brings its own";
  EXPECT_FALSE(declared_.metadata.contains("scan")) << "which is not the same for all";
  EXPECT_EQ(declared_.metadata["scan_count"], 3);
}

TEST_F(LoadSeries, TakesAListWithAndWithoutAngles) {
  load_series({path("scan_2.cxi"), {{"file", path("scan_1.cxi")}, {"rotation_deg", 90.5}}});
  EXPECT_EQ(scans(), (std::vector<std::string>{"scan_2 12", "scan_1 12 90.5"}));
}

TEST_F(LoadSeries, TakesATableWhoseNamesAreRelativeToIt) {
  write_table("# file angle\nscan_10.cxi -30\n\n" + path("scan_2.cxi") + "\t1.5e1 # absolute\n");
  load_series(table());
  EXPECT_EQ(scans(), (std::vector<std::string>{"scan_10 12 -30", "scan_2 12 15"}));
}

TEST_F(LoadSeries, GivesOneScanItsAngle) {
  LoadedStage loader(STAGE_MODULE, host_);
  loader.configure({{"file", path("scan_1.cxi")}, {"rotation_deg", 12.5}});
  loader.produce();
  EXPECT_EQ(host_.packets.at(0).metadata["rotation_deg"], 12.5);
}

TEST_F(LoadSeries, StopsBetweenTwoScans) {
  LoadedStage loader(STAGE_MODULE, host_);
  loader.configure({{"files", path("scan_*.cxi")}});
  host_.stop = true;  // while the first is read or reconstructed
  EXPECT_FALSE(loader.produce());
  EXPECT_EQ(scans(), (std::vector<std::string>{"scan_1 12"}));
}

TEST_F(LoadSeries, RefusesListsThatCannotBe) {
  const auto refuse = [&](ErrorCode code, std::initializer_list<const char*> parts, const Json& files,
                          const Json& more = Json::object()) {
    expect_error([&] { load_series(files, more); }, code, parts);
    EXPECT_TRUE(host_.packets.empty());
  };
  refuse(ErrorCode::usage, {"no file matches", "nothing_*.cxi"}, path("nothing_*.cxi"));
  refuse(ErrorCode::usage, {"both scan 'scan_1'", "rename one"}, {path("scan_1.cxi"), path("scan_1.cxi")});
  refuse(ErrorCode::usage, {"file (one scan) or files", "not both"}, path("scan_*.cxi"), {{"file", "x.cxi"}});
  refuse(ErrorCode::usage, {"rotation_deg is one scan's"}, path("scan_*.cxi"), {{"rotation_deg", 1}});
  refuse(ErrorCode::data, {"scan_3.cxi", "no such file"}, {path("scan_1.cxi"), path("scan_3.cxi")});
  refuse(ErrorCode::data, {"angles.txt", "cannot be read", "No such file"}, table());
  write_table("# nothing\n");
  refuse(ErrorCode::data, {"angles.txt", "names no scan"}, table());
  write_table("scan_1.cxi 0\nscan_2.cxi north\n");
  refuse(ErrorCode::data, {"angles.txt:2", "angle in degrees", "north"}, table());
  expect_error([&] { LoadedStage(STAGE_MODULE, host_).configure(Json::object()); }, ErrorCode::usage, {"give file"});
}

TEST_F(LoadSeries, GoesOnAfterABadFirst) {
  for (const char* name : {"scan_1.cxi", "scan_2.cxi"}) std::ofstream(folder_ / name) << "cut short";
  LoadedStage loader(STAGE_MODULE, host_);
  EXPECT_EQ(loader.configure({{"files", path("scan_*.cxi")}}).metadata.at("scan_count"), 3);
  for (const char* name : {"scan_1", "scan_2"}) {
    EXPECT_NE(host_.log_text().find(path(name)), std::string::npos);
    EXPECT_EQ(loader.current_scan(), name);
    expect_error([&] { loader.produce(); }, ErrorCode::data, {name});
    loader.abandon_scan();
  }
  EXPECT_FALSE(loader.produce());
  EXPECT_EQ(scans(), (std::vector<std::string>{"scan_10 12"}));
}

TEST_F(LoadSeries, RefusesWhereNoScanIsGood) {
  for (const char* name : {"scan_1.cxi", "scan_2.cxi", "scan_10.cxi"}) std::ofstream(folder_ / name) << "cut short";
  expect_error([&] { load_series(path("scan_*.cxi")); }, ErrorCode::data, {"scan_10.cxi"});
}

TEST_F(LoadSeries, RefusesAScanThatIsUnlikeTheFirst) {
  test::make_cxi(folder_ / "scan_2.cxi", "f[d + 'distance'][...] = 3.0");
  expect_error([&] { load_series(path("scan_*.cxi")); }, ErrorCode::data,
               {"scan_2.cxi", "distance_m", "differ from those of", "scan_1.cxi"});
  test::make_cxi(folder_ / "scan_2.cxi", "replace(d + 'data', frames.astype('uint32'))");
  expect_error([&] { load_series(path("scan_*.cxi")); }, ErrorCode::data, {"scan_2.cxi", "frames' type or size"});
}

}  // namespace
}  // namespace ptychoflow
