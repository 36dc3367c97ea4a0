#include "core/io/read_ahead.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "tests/support/page_cache.hpp"
#include "tests/support/temp_folder.hpp"

namespace ptychoflow::io {
namespace {

/// A file of 64 MB that the system does not hold in memory. It may read 8 MB on by itself.
class ReadAheadOf : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(file_, std::ios::binary) << std::string(64'000'000, 'x');
    if (!test::forget(file_)) GTEST_SKIP() << "this system keeps files in memory, whatever one tells it";
  }

  auto pages() const { return test::pages_in_memory(file_); }
  /// Some pages the system may take back at once.
  static bool most(const std::vector<bool>& here, double first, double last) {
    const auto at = [&](double part) {
      return here.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(here.size()));
    };
    return std::count(at(first), at(last), true) > 9 * (at(last) - at(first)) / 10;
  }

  test::TempFolder folder_;
  std::string file_ = (folder_ / "scan.h5").string();
};

TEST_F(ReadAheadOf, AFileHasAllOfItInMemory) {
  const ReadAhead ahead(file_, 0, 1);
  EXPECT_TRUE(test::comes_true([&] { return most(pages(), 0, 1); }));
}

TEST_F(ReadAheadOf, PartsAreReadByOneRankEach) {
  {
    const ReadAhead ahead(file_, 1, 4);
    EXPECT_TRUE(test::comes_true([&] { return most(pages(), 0.26, 0.49); }));
  }
  const auto here = pages();
  // The ends of the file are not touched.
  EXPECT_FALSE(most(here, 0.0, 0.2));
  EXPECT_FALSE(most(here, 0.8, 1.0));
  const ReadAhead first(file_, 0, 4), third(file_, 2, 4), last(file_, 3, 4);
  EXPECT_TRUE(test::comes_true([&] { return most(pages(), 0, 1); }));
}

TEST_F(ReadAheadOf, WhatCannotBeReadIsSilent) {
  { const ReadAhead missing(file_ + ".gone", 0, 1); }
  { const ReadAhead folder(folder_.path().string(), 0, 1); }
  SUCCEED();
}

}  // namespace
}  // namespace ptychoflow::io
