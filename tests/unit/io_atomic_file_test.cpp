#include "core/io/atomic_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "core/io/result_file.hpp"
#include "tests/support/file_size_limit.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::io {
namespace {

using test::expect_error;
using test::FileSizeLimit;
using test::TempFolder;
using Names = std::vector<std::string>;

void put(const std::filesystem::path& file, const std::string& text) { std::ofstream(file) << text; }
std::string get(const std::filesystem::path& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

TEST(AtomicFile, AppearsWhenCommitted) {
  TempFolder folder;
  AtomicFile file(folder / "a", Overwrite::refuse);
  EXPECT_EQ(file.temporary().parent_path(), folder.path());
  EXPECT_EQ(file.temporary().filename().string().rfind(".a.tmp-", 0), 0u);
  put(file.temporary(), "new");
  EXPECT_FALSE(std::filesystem::exists(folder / "a"));
  file.commit();
  EXPECT_EQ(folder.names(), Names{"a"});
  EXPECT_EQ(get(folder / "a"), "new");
}

TEST(AtomicFile, LeavesNothingUnlessCommitted) {
  TempFolder folder;
  {
    AtomicFile file(folder / "a", Overwrite::refuse);
    put(file.temporary(), "half");
  }
  EXPECT_EQ(folder.names(), Names{});
}

TEST(RemoveUnfinished, TakesTemporaryFilesAndNothingElse) {
  TempFolder folder;
  AtomicFile kept(folder / "a", Overwrite::refuse), unfinished(folder / "b", Overwrite::refuse);
  put(kept.temporary(), "whole");
  put(unfinished.temporary(), "part");
  kept.commit();
  put(kept.temporary(), "somebody else's");
  remove_unfinished();
  EXPECT_EQ(folder.names(), (Names{kept.temporary().filename().string(), "a"}));
}

TEST(AtomicFile, RefusesAnExistingTargetAndKeepsIt) {
  TempFolder folder;
  put(folder / "a", "old");
  expect_error([&] { AtomicFile(folder / "a", Overwrite::refuse); }, ErrorCode::usage,
               {"already there", "overwrite: true"});
  {
    AtomicFile file(folder / "a", Overwrite::allow);
    put(file.temporary(), "half");
    EXPECT_EQ(get(folder / "a"), "old");
  }
  EXPECT_EQ(get(folder / "a"), "old");
  AtomicFile file(folder / "a", Overwrite::allow);
  put(file.temporary(), "new");
  file.commit();
  EXPECT_EQ(get(folder / "a"), "new");
}

TEST(AtomicFile, RefusesATargetThatAppearsMeanwhile) {
  TempFolder folder;
  {
    AtomicFile file(folder / "a", Overwrite::refuse);
    put(file.temporary(), "mine");
    put(folder / "a", "theirs");
    expect_error([&] { file.commit(); }, ErrorCode::usage, {"already there"});
  }
  EXPECT_EQ(folder.names(), Names{"a"});
  EXPECT_EQ(get(folder / "a"), "theirs");
}

TEST(CheckTarget, SaysWhatIsWrongWithTheFolder) {
  TempFolder folder;
  put(folder / "file", "");
  expect_error([&] { check_target(folder / "none/a", Overwrite::allow); }, ErrorCode::usage, {"no folder", "none"});
  expect_error([&] { check_target(folder / "file/a", Overwrite::allow); }, ErrorCode::usage, {"not a folder"});
  expect_error([&] { check_target(folder.path(), Overwrite::allow); }, ErrorCode::usage, {"it is a folder"});
  expect_error([&] { check_target(folder.path() / "", Overwrite::allow); }, ErrorCode::usage, {"no file name"});
  check_target("a_name_without_a_folder", Overwrite::allow);
}

TEST(CheckTarget, SaysThatTheFolderIsReadOnly) {
  TempFolder folder;
  std::filesystem::create_directory(folder / "locked");
  ::chmod((folder / "locked").c_str(), 0555);
  ::chmod(folder.path().c_str(), 0755);
  const uid_t me = ::geteuid();
  const uid_t nobody = 65534;
  if (me == 0) {
    ASSERT_EQ(::seteuid(nobody), 0);  // root may write anywhere
  }
  expect_error([&] { check_target(folder / "locked/a", Overwrite::refuse); }, ErrorCode::resource,
               {"locked/a", "read-only"});
  if (me == 0) {
    ASSERT_EQ(::seteuid(me), 0);
  }
}

/// Waves that gzip cannot make smaller than the limits below.
std::vector<Complex<float>> noise(std::size_t count) {
  std::vector<Complex<float>> waves(count);
  std::uint32_t state = 1;
  for (auto& w : waves) {
    state = state * 1664525u + 1013904223u;
    w.re = static_cast<float>(state);
    state = state * 1664525u + 1013904223u;
    w.im = static_cast<float>(state);
  }
  return waves;
}

TEST(WriteResult, ReportsAFullDiskAndLeavesNothing) {
  TempFolder folder;
  const auto waves = noise(400 * 400);
  ResultFile result;
  result.object = View<const Complex<float>, 3>(waves.data(), {1, 400, 400});
  result.probe = View<const Complex<float>, 3>(waves.data(), {1, 16, 16});
  for (const rlim_t bytes : {rlim_t{100}, rlim_t{5000}, rlim_t{300000}}) {
    {
      const FileSizeLimit limit(bytes);
      expect_error([&] { write_result(folder / "r.h5", result, Overwrite::refuse); }, ErrorCode::resource,
                   {"cannot be written", "File too large"});
    }
    EXPECT_EQ(folder.names(), Names{}) << bytes;
  }
  write_result(folder / "r.h5", result, Overwrite::refuse);  // HDF5 is none the worse for it
  EXPECT_EQ(std::get<0>(read_result(folder / "r.h5").object)(0, 399, 399), waves.back());
}

}  // namespace
}  // namespace ptychoflow::io
