// Damaged and hostile pipeline files: they load, or an Error (usage) names the file in every line; nothing else
// happens.
#include <gtest/gtest.h>

#include <random>

#include "tests/cli/fake_catalog.hpp"

namespace ptychoflow::host {
namespace {

const std::string sound = R"(name: Siemens star
description: >
  all of it
variables: {input: scan.cxi, n: 20, output: }
stages:
  - {stage: load, params: {file: "${input}"}}
  - stage: ptycho_dm
    id: dm
    params:
      iterations: ${n}
      beta: 5e-1   # a comment
      center: [12, 13.5]
      modulus_relaxation: off
      initial_probe: {from_data: {defocus_m: -1.0e-3}}
      label: 'abc'
  - {stage: save, params: {file: "out/${input}.h5", overwrite: true}}
)";

/// Parts that mean something to YAML or to the pipeline file.
const std::vector<std::string> parts = {":",    "\n",       "- ",    "[",  "]",    "{",      "}",  "\"",
                                        "'",    "&a ",      "*a",    "? ", "! ",   "!!int ", "${", "$${",
                                        "}",    "#",        "|",     ">",  "\t",   "---\n",  "%",  "@",
                                        "\xff", "\xc3\xa9", "1e999", "~",  "<<: ", "0x",     ", ", "\\u0000"};

class PipelineFuzz : public PipelineFile {
 protected:
  /// Returns whether the file loads.
  static bool survives(const std::string& text) {
    try {
      load(text, {{"output", "o"}});
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage) << text;
      std::istringstream lines(error.what());
      for (std::string line; std::getline(lines, line);) EXPECT_EQ(line.find("scan.yaml:"), 0u) << line << '\n' << text;
      return false;
    }
  }
};

TEST_F(PipelineFuzz, DamagedTextIsRefusedInGoodOrder) {
  ASSERT_TRUE(survives(sound));
  std::mt19937 random(20240517);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  int refused = 0;
  for (int round = 0; round < 1500; ++round) {
    std::string text = sound;
    for (std::size_t damages = 1 + below(4); damages > 0; --damages) {
      const std::size_t place = below(text.size());
      switch (below(4)) {
        case 0:
          text.erase(place, 1 + below(12));
          break;
        case 1:
          text.insert(place, parts[below(parts.size())]);
          break;
        case 2:
          text[place] = static_cast<char>(below(256));
          break;
        default:
          text.insert(place, text.substr(below(text.size()), below(40)));
      }
    }
    refused += !survives(text);
  }
  EXPECT_GT(refused, 500);  // the damage is real
}

TEST_F(PipelineFuzz, HostileTextEndsSoon) {
  constexpr std::size_t many = 20000;
  const auto times = [](std::size_t n, const std::string& part) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i) text += part;
    return text;
  };
  for (const std::string part :
       {"[", "{", "]", "- ", "? ", "a: ", "!", "&a ", "*a ", "'", "\"", "#", "|\n", "\xff", "%", ","}) {
    EXPECT_FALSE(survives(times(many, part))) << part;
    EXPECT_FALSE(survives("name: " + times(many, part))) << part;
  }
  const std::string stage = "name: n\nstages:\n- stage: ptycho_dm\n  params: {label: ";
  EXPECT_FALSE(survives(stage + std::string(many, 'a') + "}\n"));
  EXPECT_FALSE(
      survives(stage + std::string(2000, 'a') + "}\n"));  // as long as a text may be, for the regular expression
  EXPECT_FALSE(survives("name: n\nvariables: {v: " + std::string(2000, 'a') + "}\nstages:\n- stage: ptycho_dm\n" +
                        "  params: {label: '" + times(1000, "${v}") + "'}\n"));
  EXPECT_FALSE(survives("name: n\nstages:\n" + times(2000, "- {stage: ptycho_dm, parms: {}}\n")));
}

}  // namespace
}  // namespace ptychoflow::host
