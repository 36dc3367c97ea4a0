// stage.h as C++, on its own; tests/abi/stages/tiny.c is the same in C11.
#include "plugin/api/stage.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace {

TEST(StageHeader, is_plain_data_in_cpp) {
  EXPECT_TRUE(std::is_standard_layout_v<ptychoflow_stage_descriptor>);
  EXPECT_TRUE(std::is_trivially_copyable_v<ptychoflow_host>);
  EXPECT_TRUE(std::is_trivially_copyable_v<ptychoflow_packet>);
}

TEST(StageHeader, says_its_version_before_all_that_may_change) {
  EXPECT_EQ(offsetof(ptychoflow_stage_descriptor, struct_size), 0u);
  EXPECT_EQ(offsetof(ptychoflow_stage_descriptor, abi_version), 4u);
  EXPECT_EQ(offsetof(ptychoflow_host, abi_version), 4u);
}

}  // namespace
