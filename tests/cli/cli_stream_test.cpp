// Descriptions of streams: what is accepted, and what is said of the rest.
#include <gtest/gtest.h>

#include "core/base/error.hpp"
#include "plugin/host/stream_check.hpp"

namespace ptychoflow::host {
namespace {

std::string fault(const char* text) {
  try {
    parse_stream(text);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::other);
    return e.what();
  }
  return "none";
}

TEST(Stream, a_good_description_is_kept) {
  const Json stream = parse_stream(
      R"({"tensors": {"frames": {"dtype": "uint16", "shape": [null, 8, 8], "axes": "frame:y:x", "unit": "count"}},
          "metadata": {"frame_count": 3}})");
  EXPECT_EQ(stream["metadata"]["frame_count"], 3);
  EXPECT_EQ(describe_tensor(stream["tensors"]["frames"]), "uint16 [?,8,8]");
}

TEST(Stream, what_is_left_out_is_empty) { EXPECT_EQ(parse_stream("{}"), empty_stream()); }

TEST(Stream, faults_are_named) {
  const auto says = [](const char* text, const char* what) {
    EXPECT_NE(fault(text).find(what), std::string::npos) << text << " → " << fault(text);
  };
  says(nullptr, "there is none");
  says("{", "it is not JSON");
  says("[]", "it is not a JSON object");
  says(R"({"metadata": 3})", "`metadata` is not an object");
  says(R"({"tensors": {"a": 3}})", "tensor `a` is not an object");
  says(R"({"tensors": {"a": {"shape": []}}})", "tensor `a` has dtype null");
  says(R"({"tensors": {"a": {"dtype": "int8"}}})", "tensor `a` has shape null");
  says(R"({"tensors": {"a": {"dtype": "int8", "shape": [-1]}}})", "tensor `a` has shape [-1]");
  says(R"({"tensors": {"a": {"dtype": "int8", "shape": [1], "unit": 1}}})", "tensor `a`: unit is not a text");
  says(R"({"tensors": {"a": {"dtype": "int8", "shape": [1], "axes": "y:x"}}})", "axes \"y:x\" but shape [1]");
}

}  // namespace
}  // namespace ptychoflow::host
