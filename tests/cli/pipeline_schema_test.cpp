// Parameters against their stage's schema: the words for each kind of fault, and the help made from the schema.
#include <gtest/gtest.h>

#include "plugin/host/parameter_help.hpp"
#include "tests/cli/fake_catalog.hpp"

namespace ptychoflow::host {
namespace {

const std::string at = "scan.yaml:2:";

TEST_F(PipelineFile, NamesTypesInPlainWords) {
  EXPECT_EQ(param_faults("{iterations: many}"),
            at + "50: /stages/0/params/iterations: expected a whole number, at least 1; got 'many'");
  EXPECT_EQ(param_faults("{iterations: 1e2}"),
            at + "50: /stages/0/params/iterations: expected a whole number, at least 1; got 100 with a point or an "
                 "exponent; write 100");
  EXPECT_EQ(param_faults("{iterations: '12'}"),
            at + "50: /stages/0/params/iterations: expected a whole number, at least 1; got '12'");
  EXPECT_EQ(param_faults("{average: yes}"), at + "47: /stages/0/params/average: expected true or false; got 'yes'");
  EXPECT_EQ(param_faults("{beta: [1]}"), at + "44: /stages/0/params/beta: expected a number from 0 to 1; got a list");
  EXPECT_EQ(param_faults("{beta: }"), at + "38: /stages/0/params/beta: expected a number from 0 to 1; got nothing");
  EXPECT_EQ(param_faults("{label: 12}"), at + "45: /stages/0/params/label: expected text; got 12; put it in quotes");
  EXPECT_EQ(param_faults("{skip: {a: 1}}"),
            at + "44: /stages/0/params/skip: expected a list, each a whole number; got a mapping");
}

TEST_F(PipelineFile, NamesRanges) {
  EXPECT_EQ(param_faults("{beta: -0.5}"), at + "44: /stages/0/params/beta: -0.5 is too small; at least 0");
  EXPECT_EQ(param_faults("{beta: 1.5}"), at + "44: /stages/0/params/beta: 1.5 is too large; at most 1");
  EXPECT_EQ(param_faults("{wavelength_m: 0}"), at + "52: /stages/0/params/wavelength_m: 0 is too small; more than 0");
  EXPECT_EQ(param_faults("{gain: 4}"), at + "44: /stages/0/params/gain: 4 is too large; less than 4");
  EXPECT_EQ(param_faults("{iterations: 3}"), at + "50: /stages/0/params/iterations: 3 is not a multiple of 2");
}

TEST_F(PipelineFile, NamesListsAndTexts) {
  EXPECT_EQ(param_faults("{center: [1]}"), at + "46: /stages/0/params/center: the list has 1 entry; at least 2");
  EXPECT_EQ(param_faults("{center: [1, 2, x]}"),
            at + "46: /stages/0/params/center: the list has 3 entries; at most 2\n" + at +
                "53: /stages/0/params/center/2: expected a number; got 'x'");
  EXPECT_EQ(param_faults("{skip: [4, 5, 4]}"), at + "51: /stages/0/params/skip/2: 4 is in the list already");
  EXPECT_EQ(param_faults("{label: ABCDE}"),
            at + "45: /stages/0/params/label: 'ABCDE' is too long; at most 4 characters\n" + at +
                "45: /stages/0/params/label: 'ABCDE' does not have the form ^[a-z]+$ (small letters)");
  EXPECT_EQ(faults("name: n\nstages: [{stage: save, params: {file: ''}}]\n"),
            at + "39: /stages/0/params/file: the text is empty");
}

TEST_F(PipelineFile, NamesKeys) {
  EXPECT_EQ(faults("name: n\nstages: [{stage: save}]\n"),
            at + "10: /stages/0/params: parameter 'file' is missing, text");
  EXPECT_EQ(faults("name: n\nstages: [{stage: save, params: {fil: a}}]\n"),
            at + "33: /stages/0/params/fil: unknown parameter; did you mean 'file'?");
  EXPECT_EQ(faults("name: n\nstages: [{stage: save, params: {file: a, zoom: 1}}]\n"),
            at + "42: /stages/0/params/zoom: unknown parameter; known: file, overwrite");
  EXPECT_EQ(param_faults("{positions: {swap_yx: true}}"),
            at + "49: /stages/0/params/positions: parameter 'scale' is missing, a number\n" + at +
                "50: /stages/0/params/positions/swap_yx: unknown parameter; did you mean 'swap_xy'?");
  EXPECT_EQ(param_faults("{seed: 3}"), at + "38: /stages/0/params/seed: needs 'iterations' beside it");
  EXPECT_EQ(param_faults("{a/b~: 3}").find(at + "38: /stages/0/params/a~1b~0: unknown parameter; known: "), 0u);
}

TEST_F(PipelineFile, NamesAlternatives) {
  EXPECT_EQ(param_faults("{precision: duoble}"),
            at + "49: /stages/0/params/precision: 'duoble' is not 'single' or 'double'; did you mean 'double'?");
  EXPECT_EQ(param_faults("{modulus_relaxation: autp}"),
            at + "58: /stages/0/params/modulus_relaxation: expected 'off', 'auto' or a number from 0 to 1; got 'autp'; "
                 "did you mean 'auto'?");
  EXPECT_EQ(param_faults("{modulus_relaxation: 1.5}"),
            at + "58: /stages/0/params/modulus_relaxation: 1.5 is too large; at most 1");
  EXPECT_EQ(param_faults("{modulus_relaxation: true}"),
            at + "58: /stages/0/params/modulus_relaxation: expected 'off', 'auto' or a number from 0 to 1; got true");
  EXPECT_EQ(param_faults("{initial_probe: {from_dat: {}}}"),
            at + "53: /stages/0/params/initial_probe: expected 'file', a mapping with from_data or a mapping with "
                 "aperture; got a mapping with from_dat; did you mean 'from_data'?");
  EXPECT_EQ(param_faults("{initial_probe: {from_data: {defocus: 1}}}"),
            at + "66: /stages/0/params/initial_probe/from_data/defocus: unknown parameter; did you mean 'defocus_m'?");
  EXPECT_EQ(param_faults("{initial_probe: {aperture: {diameter_m: x}}}"),
            at + "77: /stages/0/params/initial_probe/aperture/diameter_m: expected a number; got 'x'");
}

TEST_F(PipelineFile, HasAWordForRareKeywordsToo) {
  const std::string message = param_faults("{odd: text}");
  EXPECT_EQ(message.find(at + "43: /stages/0/params/odd: "), 0u) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

TEST(ParameterHelp, TellsAllThatTheSchemaSays) {
  EXPECT_EQ(describe_parameters(Json::parse(R"({
    "type": "object", "required": ["file"],
    "definitions": {"on": {"type": "boolean", "default": false, "description": "Swaps y and x."}},
    "properties": {
      "file": {"type": "string", "description": "Where the scan lies."},
      "energy_ev": {"type": "number", "exclusiveMinimum": 0, "x-unit": "eV", "default": null,
        "description": "Photon energy. If it is not given, the file must say it; if both do, this one is taken and the difference is reported."},
      "frames": {"type": "object", "description": "Which frames.", "properties": {
        "first": {"type": "integer", "minimum": 0, "default": 0}, "swap": {"$ref": "#/definitions/on"}}},
      "probe": {"oneOf": [{"enum": ["file"]}, {"type": "object", "required": ["defocus_m"], "properties": {
        "defocus_m": {"type": "number", "x-unit": "m"}}}], "default": "file"},
      "size": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "integer", "minimum": 1}, "default": [8, 8]}
    }})")),
            R"(  energy_ev: a number, more than 0; in eV; default none
      Photon energy. If it is not given, the file must say it; if both do, this one is taken and the
          difference is reported.
  file: text; required
      Where the scan lies.
  frames: a mapping with first, swap
      Which frames.
      first: a whole number, at least 0; default 0
      swap: true or false; default false
          Swaps y and x.
  probe: 'file' or a mapping with defocus_m; default 'file'
      defocus_m: a number; in m
  size: a list of 2, each a whole number, at least 1; default [8,8]
)");
  EXPECT_EQ(describe_parameters(Json::parse(R"({"type": "object"})")), "  no parameters\n");
}

}  // namespace
}  // namespace ptychoflow::host
