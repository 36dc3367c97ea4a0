// Stage `save`, driven through its C table: what it writes, and what it refuses.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "core/base/version.hpp"
#include "core/io/result_file.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/h5py.hpp"

namespace ptychoflow {
namespace {

namespace fs = std::filesystem;
using stage::Json;
using stage::Packet;
using stage::Tensor;
using test::FakeHost;
using test::LoadedStage;

/// Root may write anywhere; a test of rights has to be someone else for a while.
class Unprivileged {
 public:
  Unprivileged() : was_(geteuid()) { active_ = was_ != 0 || seteuid(65534) == 0; }
  ~Unprivileged() {
    if (was_ == 0 && seteuid(0) != 0) std::abort();
  }
  bool active() const { return active_; }

 private:
  uid_t was_;
  bool active_;
};

class SaveStage : public testing::Test {
 protected:
  SaveStage() : folder(fs::temp_directory_path() / ("ptychoflow_save_" + std::to_string(getpid()))) {
    fs::create_directory(folder);
  }
  ~SaveStage() override {
    fs::permissions(folder, fs::perms::owner_all);
    fs::remove_all(folder);
  }

  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
    return names;
  }

  /// A reconstruction of one object and two probe modes; `Real` is the precision.
  template <class Real>
  static Packet result_packet(const std::string& scan) {
    using C = Complex<Real>;
    std::vector<C> object(20 * 24), probe(2 * 16 * 16);
    for (std::size_t i = 0; i < object.size(); ++i) object[i] = polar<Real>(Real(0.5), Real(0.001) * Real(i));
    for (std::size_t i = 0; i < probe.size(); ++i) probe[i] = {Real(i % 16), i < 256 ? Real(0) : Real(1)};
    Packet p;
    p.tensors["object"] = Tensor::own(std::move(object), {1, 20, 24});
    p.tensors["object_coverage"] = Tensor::own(std::vector<float>(20 * 24, 1.0f), {20, 24});
    p.tensors["probe"] = Tensor::own(std::move(probe), {2, 16, 16});
    p.tensors["probe_occupancy"] = Tensor::own(std::vector<double>{0.75, 0.25}, {2});
    p.tensors["view_offset_px"] = Tensor::own(std::vector<std::int32_t>{4, 4, 4, 8}, {2, 2});
    p.tensors["view_position_m"] = Tensor::own(std::vector<double>{0, 0, 0, 4e-8}, {2, 2});
    p.tensors["history_iteration"] = Tensor::own(std::vector<std::int64_t>{1, 2}, {2});
    p.tensors["history_object_change"] = Tensor::own(std::vector<double>{0.1, 0.01}, {2, 1});
    p.tensors["history_probe_change"] = Tensor::own(std::vector<double>{0.2, 0.3, 0.02, 0.03}, {2, 2});
    p.tensors["history_exit_wave_change"] = Tensor::own(std::vector<double>{0.5, 0.4}, {2});
    p.tensors["history_fourier_error"] = Tensor::own(std::vector<double>{0.3, 0.2}, {2});
    p.tensors["history_seconds"] = Tensor::own(std::vector<double>{0.01, 0.02}, {2});
    p.tensors["something_else"] = Tensor::own(std::vector<float>{7}, {1});
    p.metadata = {{"scan", scan},
                  {"wavelength_m", 1.2e-10},
                  {"distance_m", 2.0},
                  {"detector_pixel_m", {75e-6, 70e-6}},
                  {"pixel_size_m", {1e-8, 1e-8}},
                  {"object_origin_m", {-4e-8, -5e-8}},
                  {"start_time", "2024-05-01T10:00:00Z"},
                  {"end_time", "2024-05-01T10:01:00Z"},
                  {"backend", "cpu"},
                  {"ranks", 3},
                  {"threads", 2},
                  {"ends_scan", true}};
    return p;
  }

  static stage::Description input(const std::string& scan) {
    stage::Description d;
    d.add("object", "complex64", {1, 20, 24}, "mode:y:x", "");
    d.add("probe", "complex64", {2, 16, 16}, "mode:y:x", "");
    if (!scan.empty()) d.metadata["scan"] = scan;
    return d;
  }

  Json params(const std::string& name) const { return {{"file", (folder / name).string()}}; }

  /// The message of what `body` throws, which must be of `code`.
  template <class F>
  static std::string message(ErrorCode code, F&& body) {
    try {
      body();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      return e.what();
    }
    return "no error";
  }

  void refuse(const Json& given, ErrorCode code, const std::string& words) {
    LoadedStage save(STAGE_MODULE, host);
    const std::string said = message(code, [&] { save.configure(given, input("star")); });
    EXPECT_NE(said.find(words), std::string::npos) << said;
  }

  fs::path folder;
  FakeHost host;
};

template <class Real>
void expect_result(const fs::path& file) {
  const io::ResultFile r = io::read_result(file);
  const auto* object = std::get_if<View<const Complex<Real>, 3>>(&r.object);
  const auto* probe = std::get_if<View<const Complex<Real>, 3>>(&r.probe);
  ASSERT_TRUE(object && probe) << "stored in another precision";
  EXPECT_EQ(object->extents(), (Extents<3>{1, 20, 24}));
  EXPECT_EQ((*object)(0, 2, 3), polar<Real>(Real(0.5), Real(0.001) * Real(2 * 24 + 3)));  // as it came: ramp and all
  EXPECT_EQ((*probe)(1, 0, 5), (Complex<Real>{5, 1}));
  EXPECT_EQ(r.title, "star");
  EXPECT_EQ(r.start_time, "2024-05-01T10:00:00Z");
  EXPECT_EQ(r.object_pixel_size_m, (std::array<double, 2>{1e-8, 1e-8}));
  EXPECT_EQ(r.probe_pixel_size_m, r.object_pixel_size_m);
  EXPECT_EQ(r.object_origin_m, (std::array<double, 2>{-4e-8, -5e-8}));
  EXPECT_EQ(r.object_coverage.extents(), (Extents<2>{20, 24}));
  EXPECT_EQ(r.probe_occupancy, (std::vector<double>{0.75, 0.25}));
  EXPECT_EQ(r.view_offset_px(1, 1), 8);
  EXPECT_EQ(r.view_position_m(1, 1), 4e-8);
  EXPECT_NEAR(r.energy_J, 1.6553715e-15, 1e-21);  // hc / 1.2 Å
  EXPECT_EQ(r.distance_m, 2.0);
  EXPECT_EQ(r.detector_pixel_m, (std::array<double, 2>{75e-6, 70e-6}));
  EXPECT_EQ(r.process.program, "ptychoflow");
  EXPECT_EQ(r.process.version, version);
  EXPECT_EQ(r.process.command + r.process.backend, "testcpu");
  EXPECT_EQ(r.process.ranks, 3);
  EXPECT_EQ(r.process.threads, 2);
  EXPECT_EQ(r.process.pipeline, "{}");
  EXPECT_EQ(r.history.iteration, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(r.history.object_change(1, 0), 0.01);
  EXPECT_EQ(r.history.probe_change(0, 1), 0.3);
  EXPECT_EQ(r.history.exit_wave_change, (std::vector<double>{0.5, 0.4}));
  EXPECT_EQ(r.history.fourier_error, (std::vector<double>{0.3, 0.2}));
  EXPECT_EQ(r.history.seconds, (std::vector<double>{0.01, 0.02}));
}

TEST_F(SaveStage, WritesResultAndPicturesAndPassesAllOn) {
  LoadedStage save(STAGE_MODULE, host);
  const auto declared = save.configure(params("out.h5"), input("star"));
  EXPECT_TRUE(declared.has("object"));
  save.process(result_packet<float>("star"));
  save.finalize();
  expect_result<float>(folder / "out.h5");
  EXPECT_EQ(files(), (std::set<std::string>{"out.h5", "out_object_phase.png", "out_object_amplitude.png",
                                            "out_probe.png", "out_convergence.png"}));
  for (const auto& name : files()) EXPECT_GT(fs::file_size(folder / name), 1000u) << name;
  EXPECT_NE(host.log_text().find("result: " + (folder / "out.h5").string()), std::string::npos) << host.log_text();
  EXPECT_NE(host.log_text().find("pictures: "), std::string::npos);
  ASSERT_EQ(host.packets.size(), 1u);
  EXPECT_EQ(host.packets[0].tensors.size(), 13u);
  EXPECT_TRUE(host.packets[0].ends_scan());
  EXPECT_EQ((host.packets[0].at("object").view<const Complex<float>, 3>()(0, 0, 0)), (Complex<float>{0.5f, 0}));
}

TEST_F(SaveStage, KeepsDoublePrecision) {
  LoadedStage save(STAGE_MODULE, host);
  save.configure(params("out.h5"), input("star"));
  save.process(result_packet<double>("star"));
  expect_result<double>(folder / "out.h5");
  EXPECT_EQ(files().size(), 5u);
}

TEST_F(SaveStage, WithoutPicturesThereIsTheResultAlone) {
  Json given = params("out.h5");
  given["pictures"] = false;
  given["title"] = "my title";
  LoadedStage save(STAGE_MODULE, host);
  save.configure(given, input("star"));
  save.process(result_packet<float>("star"));
  EXPECT_EQ(files(), std::set<std::string>{"out.h5"});
  EXPECT_EQ(io::read_result(folder / "out.h5").title, "my title");
}

TEST_F(SaveStage, WritesFilesForOtherProgramsWhereAsked) {
  if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  Json given = params("{scan}.h5");
  given["pictures"] = false;
  given["formats"] = {"ptypy", "pynx", "ptychodus"};
  LoadedStage save(STAGE_MODULE, host);
  save.configure(given, input("star"));
  EXPECT_TRUE(files().empty());
  save.process(result_packet<float>("star"));
  expect_result<float>(folder / "star.h5");
  EXPECT_EQ(files(), (std::set<std::string>{"star.h5", "star.pynx.cxi", "star.ptychodus.h5", "star.ptyr"}));
  EXPECT_NE(host.log_text().find("for ptypy: " + (folder / "star.ptyr").string()), std::string::npos);
  const std::string said = test::run_python(folder, "name = '" + (folder / "star").string() + R"('
own = h5py.File(name + '.h5')['entry_1/object/data'][()]
assert (h5py.File(name + '.pynx.cxi')['entry_1/object/data'][()][:, ::-1] == own).all()
assert (h5py.File(name + '.ptychodus.h5')['object'][()] == own).all()
assert (h5py.File(name + '.ptyr')['content/obj/S00G00/data'][()] == own).all()
assert h5py.File(name + '.ptychodus.h5').attrs['name'] == 'star'
print('ok'))");
  EXPECT_EQ(said, "ok");
}

TEST_F(SaveStage, AFormatIsWrittenOnlyWhereAsked) {
  Json given = params("out.h5");
  given["pictures"] = false;
  given["formats"] = {"pynx"};
  LoadedStage save(STAGE_MODULE, host);
  save.configure(given, input("star"));
  save.process(result_packet<float>("star"));
  EXPECT_EQ(files(), (std::set<std::string>{"out.h5", "out.pynx.cxi"}));
}

TEST_F(SaveStage, RefusesTheFilesForOtherProgramsBeforeDataMoves) {
  const std::map<std::string, std::string> names{
      {"pynx", "old.pynx.cxi"}, {"ptychodus", "old.ptychodus.h5"}, {"ptypy", "old.ptyr"}};
  for (const auto& [format, name] : names) {
    std::ofstream(folder / name) << "old";
    Json given = params("old.h5");
    given["formats"] = {format};
    refuse(given, ErrorCode::usage, name + ": is already there");
    given["overwrite"] = true;
    LoadedStage(STAGE_MODULE, host).configure(given, input("star"));
    EXPECT_EQ(fs::file_size(folder / name), 3u) << "touched before the run";
    fs::remove(folder / name);
  }
  Json given = params("r.ptyr");
  given["formats"] = {"ptypy"};
  refuse(given, ErrorCode::usage, "another extension");
  EXPECT_TRUE(files().empty());
}

TEST_F(SaveStage, AFileForAnotherProgramIsNotThatOfAnEarlierScan) {
  Json given = params("{scan}");  // without an extension of its own: what follows the last dot is taken for one
  given["pictures"] = false;
  given["overwrite"] = true;
  given["formats"] = {"ptypy"};
  LoadedStage save(STAGE_MODULE, host);
  save.configure(given, input(""));
  save.process(result_packet<float>("a.1"));
  const std::string said = message(ErrorCode::usage, [&] { save.process(result_packet<float>("a.2")); });
  EXPECT_NE(said.find("a.ptyr"), std::string::npos) << said;
  EXPECT_EQ(files(), (std::set<std::string>{"a.1", "a.ptyr"}));
}

TEST_F(SaveStage, AResultStaysThoughAnotherProgramWantsMore) {
  Packet bare = result_packet<float>("star");
  bare.take("view_position_m");
  Json given = params("out.h5");
  given["formats"] = {"ptychodus"};
  LoadedStage save(STAGE_MODULE, host);
  save.configure(given, input("star"));
  const std::string said = message(ErrorCode::data, [&] { save.process(std::move(bare)); });
  EXPECT_NE(said.find("positions"), std::string::npos) << said;
  EXPECT_EQ(files(), std::set<std::string>{"out.h5"});
}

TEST_F(SaveStage, WhatIsOptionalMayBeMissing) {
  Packet p = result_packet<float>("star");
  Packet bare;
  bare.tensors["object"] = p.take("object");
  bare.tensors["probe"] = p.take("probe");
  bare.metadata = {{"pixel_size_m", {1e-8, 1e-8}}};
  LoadedStage save(STAGE_MODULE, host);
  save.configure(params("out.h5"), input(""));
  save.process(std::move(bare));
  EXPECT_EQ(files(), (std::set<std::string>{"out.h5", "out_object_phase.png", "out_object_amplitude.png",
                                            "out_probe.png"}));  // no history, no curves
  EXPECT_TRUE(io::read_result(folder / "out.h5").object_coverage.empty());
}

TEST_F(SaveStage, OtherPacketsPass) {
  LoadedStage save(STAGE_MODULE, host);
  save.configure(params("out.h5"), input("star"));
  save.process({});
  EXPECT_EQ(host.packets.size(), 1u);
  EXPECT_TRUE(files().empty());
}

TEST_F(SaveStage, OtherRanksOnlyPassOn) {
  FakeHost second(1, 2);
  LoadedStage save(STAGE_MODULE, second);
  save.configure(params("missing/out.h5"), input("star"));  // rank 0 says what is wrong with it
  save.process(result_packet<float>("star"));
  EXPECT_EQ(second.packets.size(), 1u);
  EXPECT_TRUE(files().empty());
}

TEST_F(SaveStage, RefusesBeforeDataMoves) {
  refuse(params("missing/out.h5"), ErrorCode::usage, "missing");
  std::ofstream(folder / "old.h5") << "old";
  refuse(params("old.h5"), ErrorCode::usage, "overwrite: true");
  std::ofstream(folder / "new_probe.png") << "old";
  refuse(params("new.h5"), ErrorCode::usage, "new_probe.png");
  refuse(params("new.h5/"), ErrorCode::usage, "file name");
  fs::create_directory(folder / "sub.h5");
  refuse(params("sub.h5"), ErrorCode::usage, "folder");
  EXPECT_EQ(files(), (std::set<std::string>{"old.h5", "new_probe.png", "sub.h5"}));
}

TEST_F(SaveStage, RefusesAReadOnlyFolder) {
  LoadedStage save(STAGE_MODULE, host);  // opened before the rights are given away
  fs::permissions(folder,
                  fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read | fs::perms::others_exec);
  std::string said;
  {
    const Unprivileged someone;
    if (!someone.active()) GTEST_SKIP() << "root that cannot become another user may write anywhere";
    said = message(ErrorCode::resource, [&] { save.configure(params("out.h5"), input("star")); });
  }
  EXPECT_NE(said.find("read-only"), std::string::npos) << said;
  EXPECT_TRUE(files().empty());
}

TEST_F(SaveStage, OverwritesWhenToldTo) {
  std::ofstream(folder / "out.h5") << "old";
  std::ofstream(folder / "out_probe.png") << "old";
  Json given = params("out.h5");
  given["overwrite"] = true;
  LoadedStage save(STAGE_MODULE, host);
  save.configure(given, input("star"));
  save.process(result_packet<float>("star"));
  expect_result<float>(folder / "out.h5");
  EXPECT_GT(fs::file_size(folder / "out_probe.png"), 1000u);
}

TEST_F(SaveStage, AFileThatAppearsMeanwhileIsNotLost) {
  LoadedStage save(STAGE_MODULE, host);
  save.configure(params("out.h5"), input("star"));
  std::ofstream(folder / "out.h5") << "mine";
  message(ErrorCode::usage, [&] { save.process(result_packet<float>("star")); });
  EXPECT_EQ(fs::file_size(folder / "out.h5"), 4u);
  EXPECT_EQ(files(), std::set<std::string>{"out.h5"});
}

TEST_F(SaveStage, TwoScansNeedTwoNames) {
  LoadedStage save(STAGE_MODULE, host);
  Json given = params("out.h5");
  given["overwrite"] = true;  // does not mean one's own results
  save.configure(given, input(""));
  save.process(result_packet<float>("first"));
  const std::string said = message(ErrorCode::usage, [&] { save.process(result_packet<float>("second")); });
  EXPECT_NE(said.find("{scan}"), std::string::npos) << said;
  EXPECT_EQ(io::read_result(folder / "out.h5").title, "first");
}

TEST_F(SaveStage, TheScanCanBeInTheName) {
  LoadedStage save(STAGE_MODULE, host);
  Json given = params("{scan}_dm.h5");
  given["pictures"] = false;
  save.configure(given, input(""));
  save.process(result_packet<float>("a"));
  save.process(result_packet<float>("b/2"));
  EXPECT_EQ(files(), (std::set<std::string>{"a_dm.h5", "b_2_dm.h5"}));
  Packet nameless = result_packet<float>("");
  const std::string said = message(ErrorCode::usage, [&] { save.process(std::move(nameless)); });
  EXPECT_NE(said.find("{scan}"), std::string::npos) << said;
}

TEST_F(SaveStage, APictureThatCannotBeWrittenLeavesNoHalf) {
  LoadedStage save(STAGE_MODULE, host);
  Json given = params("out.h5");
  given["overwrite"] = true;
  save.configure(given, input("star"));
  Packet p = result_packet<float>("star");
  p.metadata["pixel_size_m"] = {0.0, 0.0};  // cannot be drawn
  message(ErrorCode::other, [&] { save.process(std::move(p)); });
  EXPECT_EQ(files(), std::set<std::string>{"out.h5"});
  EXPECT_TRUE(host.packets.empty());
}

}  // namespace
}  // namespace ptychoflow
