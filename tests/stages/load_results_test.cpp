#include <gtest/gtest.h>

#include <fstream>

#include "core/base/units.hpp"
#include "core/device/array.hpp"
#include "core/io/result_file.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::test {
namespace {

using stage::Json;
using stage::Packet;

/// A result of 8 × (9 + number) pixels, whose angle is ten times its number.
void write(const std::filesystem::path& file, int number, bool whole = true) {
  device::Array<Complex<float>, 3> object({1, 8, 9 + number});
  device::Array<Complex<double>, 3> probe({2, 4, 4});
  device::Array<float, 2> coverage({8, 9 + number});
  object(0, 2, 3) = {1, static_cast<float>(number)};
  probe(1, 2, 3) = {5, 6};
  coverage(1, 1) = 0.5F;
  io::ResultFile r;
  r.object = object.view();
  r.probe = probe.view();
  r.object_coverage = coverage;
  r.object_pixel_size_m = r.probe_pixel_size_m = {1e-8, 2e-8};
  r.object_origin_m = {-3e-7, 4e-7};
  if (whole) r.energy_J = energy_J_from_wavelength_m(1e-10);
  if (number > 0) r.rotation_deg = 10.0 * number;
  io::write_result(file, r, io::Overwrite::refuse);
}

struct Loaded {
  stage::Description declared;
  std::vector<Packet> packets;
};

Loaded run(const Json& files, int rank = 0) {
  FakeHost host(rank, rank + 1);
  LoadedStage loader(STAGE_MODULE, host);
  Loaded r;
  r.declared = loader.configure({{"files", files}});
  while (loader.produce()) continue;
  r.packets = std::move(host.packets);
  return r;
}

TEST(LoadResults, SendsEachScanWithWhatIsKnownOfIt) {
  TempFolder folder;
  for (const int number : {1, 2, 10}) write(folder / ("s_" + std::to_string(number) + ".h5"), number);
  const Loaded r = run((folder / "s_*.h5").string());
  ASSERT_EQ(r.packets.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const int number = std::array{1, 2, 10}[i];
    const Packet& p = r.packets[i];
    const auto object = p.at("object").view<const Complex<float>, 3>();
    EXPECT_EQ(object.extents(), (Extents<3>{1, 8, 9 + number}));
    EXPECT_EQ(object(0, 2, 3), (Complex<float>{1, static_cast<float>(number)}));
    const auto probe = p.at("probe").view<const Complex<double>, 3>();
    EXPECT_EQ(probe(1, 2, 3), (Complex<double>{5, 6}));
    const auto coverage = p.at("object_coverage").view<const float, 2>();
    EXPECT_EQ(coverage(1, 1), 0.5F);
    EXPECT_EQ(p.metadata["scan"], "s_" + std::to_string(number));
    EXPECT_EQ(p.metadata["rotation_deg"], 10.0 * number);
    EXPECT_EQ(p.metadata["pixel_size_m"], (Json{1e-8, 2e-8}));
    EXPECT_EQ(p.metadata["object_origin_m"], (Json{-3e-7, 4e-7}));
    EXPECT_NEAR(p.metadata["wavelength_m"].get<double>(), 1e-10, 1e-22);
    EXPECT_TRUE(p.ends_scan());
  }
  EXPECT_EQ(r.declared.tensors["object"]["dtype"], "complex64");
  EXPECT_EQ(r.declared.tensors["probe"]["dtype"], "complex128");
  EXPECT_TRUE(r.declared.has("object_coverage"));
  EXPECT_EQ(r.declared.metadata["scan_count"], 3);
}

TEST(LoadResults, AnAngleThatIsGivenCountsMoreThanTheFiles) {
  TempFolder folder;
  write(folder / "a.h5", 3);
  write(folder / "b.h5", 4);
  write(folder / "c.h5", 0);
  std::ofstream(folder / "angles.txt") << "a.h5 -7.5\n";
  EXPECT_EQ(run({{"table", (folder / "angles.txt").string()}}).packets.at(0).metadata["rotation_deg"], -7.5);
  const Loaded r = run(Json::array({{{"file", (folder / "a.h5").string()}, {"rotation_deg", 1}},
                                    (folder / "b.h5").string(),
                                    (folder / "c.h5").string()}));
  EXPECT_EQ(r.packets.at(0).metadata["rotation_deg"], 1);
  EXPECT_EQ(r.packets.at(1).metadata["rotation_deg"], 40);
  EXPECT_FALSE(r.packets.at(2).metadata.contains("rotation_deg"));
}

TEST(LoadResults, NamesTheFileThatIsNoResult) {
  TempFolder folder;
  expect_error([&] { run((folder / "*.h5").string()); }, ErrorCode::usage, {"no file matches"});
  expect_error([&] { run(Json::array({(folder / "none.h5").string()})); }, ErrorCode::data,
               {"none.h5", "no such file"});
  write(folder / "a.h5", 1);
  write(folder / "b.h5", 2, false);
  expect_error([&] { run((folder / "*.h5").string()); }, ErrorCode::data, {"b.h5", "energy is missing"});
  std::ofstream(folder / "b.h5") << "no HDF5";
  expect_error([&] { run((folder / "*.h5").string()); }, ErrorCode::data, {"b.h5"});
}

TEST(LoadResults, GoesOnAfterABadFirst) {
  TempFolder folder;
  std::ofstream(folder / "a.h5") << "no HDF5";
  write(folder / "b.h5", 2);
  FakeHost host;
  LoadedStage loader(STAGE_MODULE, host);
  loader.configure({{"files", (folder / "*.h5").string()}});
  EXPECT_NE(host.log_text().find("a.h5"), std::string::npos);
  EXPECT_EQ(loader.current_scan(), "a");
  expect_error([&] { loader.produce(); }, ErrorCode::data, {"a.h5"});
  loader.abandon_scan();
  EXPECT_FALSE(loader.produce());
  ASSERT_EQ(host.packets.size(), 1U);
  EXPECT_EQ(host.packets[0].metadata["scan"], "b");
}

TEST(LoadResults, GoesOnAfterABadOne) {
  TempFolder folder;
  write(folder / "a.h5", 1);
  write(folder / "b.h5", 2);
  std::ofstream(folder / "b.h5") << "no HDF5";
  write(folder / "c.h5", 3);
  FakeHost host;
  LoadedStage loader(STAGE_MODULE, host);
  loader.configure({{"files", (folder / "*.h5").string()}});
  EXPECT_TRUE(loader.produce());
  EXPECT_EQ(loader.current_scan(), "b");
  EXPECT_THROW(loader.produce(), Error);
  loader.abandon_scan();
  EXPECT_FALSE(loader.produce());
  ASSERT_EQ(host.packets.size(), 2U);
  EXPECT_EQ(host.packets[1].metadata["scan"], "c");
}

}  // namespace
}  // namespace ptychoflow::test
