// Text for manual pages: what roff would take for a request comes out as it is.
#include <gtest/gtest.h>

#include "plugin/host/parameter_help.hpp"
#include "plugin/host/roff.hpp"

namespace ptychoflow::host {
namespace {

TEST(Roff, LeavesPlainTextAlone) {
  EXPECT_EQ(roff("a number, at least 1; see [4]."), "a number, at least 1; see [4].");
}

TEST(Roff, EscapesWhatWouldBeARequest) {
  EXPECT_EQ(roff(".so /etc/passwd"), "\\&.so /etc/passwd");
  EXPECT_EQ(roff("first\n.second"), "first\n\\&.second");
  EXPECT_EQ(roff("'br"), "\\(aqbr");
  EXPECT_EQ(roff("\\fB"), "\\(rsfB");
}

TEST(Roff, KeepsCharactersThatAreCopied) { EXPECT_EQ(roff("-v \"`^~"), "\\-v \\(dq\\(ga\\(ha\\(ti"); }

TEST(Roff, WritesOtherCharactersByNumber) { EXPECT_EQ(roff("2π ≤ √𝜓"), "2\\[u03C0] \\[u2264] \\[u221A]\\[u1D713]"); }

TEST(Roff, HasAParagraphForEachParameter) {
  const auto schema = nlohmann::json::parse(R"({"properties": {
    "file": {"type": "string", "default": ".", "description": "'.' and \\n"},
    "lens": {"type": "object", "properties": {"width_m": {"type": "number", "x-unit": "m"}}}}})");
  EXPECT_EQ(roff_parameters(schema),
            ".TP\n\\fBfile\\fR\ntext; default \\(aq.\\(aq\n.br\n\\(aq.\\(aq and \\(rsn\n"
            ".TP\n\\fBlens\\fR\na mapping with width_m\n"
            ".RS 7\n.TP\n\\fBwidth_m\\fR\na number; in m\n.RE\n");
  EXPECT_EQ(roff_parameters(nlohmann::json::object()), "None.\n");
}

}  // namespace
}  // namespace ptychoflow::host
