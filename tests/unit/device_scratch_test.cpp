// Arrays in files.
#include "core/device/scratch.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <numeric>

#include "core/base/error.hpp"
#include "core/device/array.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::device {
namespace {

/// Kilobytes of files that this process has in memory.
long resident_files_kB() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    long value = 0;
    if (word == "RssFile:" && status >> value) return value;
  }
  return -1;
}

class ScratchFile : public ::testing::Test {
 protected:
  test::TempFolder folder_;
  Scratch scratch_{folder_.path()};
};

TEST_F(ScratchFile, HoldsWhatIsWrittenThroughEvictions) {
  constexpr Index n = 4 << 20;
  auto array = Array<int, 1>::uninitialized({n}, &scratch_);
  std::iota(array.begin(), array.end(), 0);
  EXPECT_GT(resident_files_kB(), n * 4 / 1024);
  scratch_.evict(array.data(), array.bytes());
  EXPECT_LT(resident_files_kB(), n * 4 / 1024 / 2 + 30000);
  scratch_.fetch(array.data(), array.bytes());
  for (Index i = 0; i < n; i += 4097) ASSERT_EQ(array[i], i);
}

TEST_F(ScratchFile, TakesCopiesAnywhereInAnArray) {
  auto first = Array<double, 1>::zeros({1000}, &scratch_), second = Array<double, 1>::zeros({1000}, &scratch_);
  const double values[] = {1, 2, 3};
  scratch_.copy_in(&second[500], values, sizeof values);
  EXPECT_EQ(second[501], 2);
  EXPECT_EQ(second[503], 0);
  EXPECT_EQ(first[500], 0);
  scratch_.upload()->copy_in(&first[7], values, sizeof values);
  double back[3];
  scratch_.copy_out(back, &first[7], sizeof back);
  EXPECT_EQ(back[2], 3);
}

TEST_F(ScratchFile, HasNoNameEvenWhileItIsUsed) {
  const auto array = Array<float, 1>::zeros({100000}, &scratch_);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(ScratchFile, AFullDiskIsSaidAtOnce) {
  constexpr std::size_t too_much = std::size_t{1} << 50;
  test::expect_error([&] { scratch_.expect_room(too_much); }, ErrorCode::resource,
                     {"are free", folder_.path().c_str()});
  test::expect_error([&] { scratch_.allocate(too_much); }, ErrorCode::resource, {"are needed", "memory: scratch"});
}

TEST(Scratch, AFolderThatIsNotThereOrTakesNoFilesIsRefused) {
  test::expect_error([&] { Scratch("/no/such/folder"); }, ErrorCode::resource, {"/no/such/folder", "No such file"});
  test::expect_error([&] { Scratch("/proc"); }, ErrorCode::resource, {"/proc", "name another folder"});
}

}  // namespace
}  // namespace ptychoflow::device
