#include <gtest/gtest.h>

#include "core/tomo/slice_plan.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::tomo {
namespace {

SliceGeometry geometry() { return {{std::vector<double>(180, 0.1), 128}, 256, 250}; }

TEST(SlicePlan, CountsWhatAGroupTakes) {
  // 16 slices: three planes of 253², three times 180 rows of 259, slices in a row, 8 complex rows of 1024 (the power of
  // two above twice the width) for each angle, twice.
  const std::size_t floats = 16 * (3 * 253 * 253 + 3 * 180 * 259 + 250 * 250) + 2 * 16 * 180 * 1024;
  EXPECT_EQ(bytes_of_group(geometry(), Filter::ramp), 4 * floats);
}

TEST(SlicePlan, TakesWhatFitsUpToWhatIsUseful) {
  const std::size_t group = bytes_of_group(geometry(), Filter::ramp);
  EXPECT_EQ(slices_that_fit(geometry(), Filter::ramp, group), 16);
  EXPECT_EQ(slices_that_fit(geometry(), Filter::ramp, 3 * group - 1), 32);
  EXPECT_EQ(slices_that_fit(geometry(), Filter::ramp, 1000 * group), 256);
}

TEST(SlicePlan, TooLittleMemoryIsSaidInFigures) {
  test::expect_error([] { static_cast<void>(slices_that_fit(geometry(), Filter::ramp, 10'000'000)); },
                     ErrorCode::resource, {"16 slices of 250 × 250 pixels from 180", "0.01 GB", "--backend cpu"});
}

}  // namespace
}  // namespace ptychoflow::tomo
