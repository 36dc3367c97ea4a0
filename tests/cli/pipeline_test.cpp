// Pipeline files: what they become, and every way in which the file itself can be wrong.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "plugin/host/nearest_name.hpp"
#include "plugin/host/yaml_scalar.hpp"
#include "tests/cli/fake_catalog.hpp"

namespace ptychoflow::host {
namespace {

TEST_F(PipelineFile, BecomesStages) {
  const Pipeline pipeline = load(R"(
name: Siemens star
description: all of it
variables: {input: scan.cxi, n: 20, output: null}
stages:
  - {stage: load, params: {file: "${input}"}}
  - stage: ptycho_dm
    id: dm
    params:
      iterations: ${n}
      beta: 5e-1
      precision: double
      center: [12, 13.5]
      modulus_relaxation: off
      initial_probe: {from_data: {defocus_m: -1.0e-3}}
  - {stage: ptycho_dm}
  - {stage: save, params: {file: "out/${input}.h5", overwrite: true}}
  - {stage: save, params: {file: "$${n}_${output}"}}
)",
                                 {{"output", "0017"}});
  EXPECT_EQ(pipeline.name, "Siemens star");
  EXPECT_EQ(pipeline.file, "scan.yaml");
  ASSERT_EQ(pipeline.stages.size(), 5u);
  const std::vector<std::pair<std::string, std::string>> ids = {
      {"load", "load"}, {"ptycho_dm", "dm"}, {"ptycho_dm", "ptycho_dm"}, {"save", "save"}, {"save", "save_2"}};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(pipeline.stages[i].stage, ids[i].first);
    EXPECT_EQ(pipeline.stages[i].id, ids[i].second);
  }
  EXPECT_EQ(pipeline.stages[0].params, Json::parse(R"({"file": "scan.cxi"})"));
  EXPECT_EQ(pipeline.stages[1].params, Json::parse(R"({"iterations": 20, "beta": 0.5, "precision": "double",
    "center": [12, 13.5], "modulus_relaxation": "off", "initial_probe": {"from_data": {"defocus_m": -0.001}}})"));
  EXPECT_TRUE(pipeline.stages[1].params["iterations"].is_number_integer());
  EXPECT_EQ(pipeline.stages[2].params, Json::object());
  EXPECT_EQ(pipeline.stages[3].params, Json::parse(R"({"file": "out/scan.cxi.h5", "overwrite": true})"));
  EXPECT_EQ(pipeline.stages[4].params["file"], "${n}_0017");  // pasted as written, not as the number 17
  EXPECT_EQ(pipeline.resolved["description"], "all of it");
  EXPECT_EQ(pipeline.resolved["variables"], Json::parse(R"({"input": "scan.cxi", "n": 20, "output": 17})"));
  EXPECT_EQ(pipeline.resolved["stages"][4]["id"], "save_2");
  EXPECT_EQ(pipeline.resolved["stages"][1]["params"]["iterations"], 20);
}

TEST_F(PipelineFile, TakesIdsThatAreGivenBeforeThoseItMakes) {
  const Pipeline pipeline = load("name: n\nstages: [{stage: ptycho_dm}, {stage: ptycho_dm, id: ptycho_dm}]\n");
  EXPECT_EQ(pipeline.stages[0].id, "ptycho_dm_2");
  EXPECT_EQ(pipeline.stages[1].id, "ptycho_dm");
}

TEST_F(PipelineFile, TakesEmptyParamsAndVariables) {
  const Pipeline pipeline = load("name: n\nvariables:\nstages:\n  - stage: ptycho_dm\n    params:\n");
  EXPECT_EQ(pipeline.stages.at(0).params, Json::object());
}

TEST_F(PipelineFile, OverridesAreTypedAsYamlIs) {
  const auto value = [](const std::string& text) {
    const char* file = "name: n\nvariables: {v: 1}\nstages: [{stage: ptycho_dm, params: {odd: \"${v}\"}}]\n";
    return load(file, {{"v", text}}).stages.at(0).params["odd"];
  };
  EXPECT_EQ(value("3"), Json(3));
  EXPECT_EQ(value("1e-3"), Json(1e-3));
  EXPECT_EQ(value("true"), Json(true));
  EXPECT_EQ(param_faults("{beta: 1}", {{"v", "1"}}), "scan.yaml: --set v=1: no such variable; the file declares none");
  const auto text_of = [](const std::string& text) {
    const char* file = "name: n\nvariables: {v: 1}\nstages: [{stage: save, params: {file: \"${v}\"}}]\n";
    return load(file, {{"v", text}}).stages.at(0).params["file"];
  };
  EXPECT_EQ(text_of("'12'"), Json("12"));
  EXPECT_EQ(text_of("\"a\\tb\""), Json("a\tb"));
  EXPECT_EQ(text_of("[a]: #b.cxi"), Json("[a]: #b.cxi"));
  EXPECT_EQ(text_of("null"), Json("null"));
}

TEST_F(PipelineFile, ListsEveryFault) {
  EXPECT_EQ(faults(R"(name: star
stages:
  - stage: load
    params: {file: a.cxi}
  - stage: ptycho_dm
    params:
      iteratons: 200
      beta: 1.7
      average: 1
      average: true
  - stage: sav
    params: {file: out.h5}
)"),
            "scan.yaml:7:7: /stages/1/params/iteratons: unknown parameter; did you mean 'iterations'?\n"
            "scan.yaml:8:13: /stages/1/params/beta: 1.7 is too large; at most 1\n"
            "scan.yaml:9:16: /stages/1/params/average: expected true or false; got 1\n"
            "scan.yaml:10:7: /stages/1/params/average: given twice; first at line 9\n"
            "scan.yaml:11:12: /stages/2/stage: unknown stage 'sav'; did you mean 'save'?");
}

TEST_F(PipelineFile, RefusesAWrongTopLevel) {
  EXPECT_EQ(faults("nam: x\nstages:\n  - stge: save\n"),
            "scan.yaml:1:1: /nam: unknown key; did you mean 'name'?\n"
            "scan.yaml:3:5: /stages/0/stge: unknown key; did you mean 'stage'?");
  EXPECT_EQ(faults("description: x\n"),
            "scan.yaml:1:1: key 'name' is missing, text\nscan.yaml:1:1: key 'stages' is missing, a list of at least 1, "
            "each a mapping with id, params, stage");
  EXPECT_EQ(faults("name: 12\nstages: []\n"),
            "scan.yaml:1:7: /name: expected text; got 12; put it in quotes\n"
            "scan.yaml:2:9: /stages: the list has 0 entries; at least 1");
  EXPECT_EQ(
      faults("name: x\nstages:\n"),
      "scan.yaml:2:1: /stages: expected a list of at least 1, each a mapping with id, params, stage; got nothing");
  EXPECT_EQ(faults("- a\n"),
            "scan.yaml:1:1: expected a mapping with description, name, on_error, ranks_per_scan, stages, variables; "
            "got a list");
  EXPECT_EQ(faults("just words\n"),
            "scan.yaml:1:1: expected a mapping with description, name, on_error, ranks_per_scan, stages, variables; "
            "got 'just words'");
  EXPECT_EQ(faults("name: x\nstages: [save, {stage: ptycho_dm, params: 3}]\n"),
            "scan.yaml:2:10: /stages/0: expected a mapping with id, params, stage; got 'save'\n"
            "scan.yaml:2:43: /stages/1/params: expected a mapping or nothing; got 3");
}

TEST_F(PipelineFile, RefusesIdsThatClash) {
  EXPECT_EQ(faults("name: x\nstages:\n- {stage: ptycho_dm, id: a}\n- {stage: ptycho_dm, id: a}\n"),
            "scan.yaml:4:26: /stages/1/id: the id 'a' is taken; first at line 3");
  EXPECT_EQ(faults("name: x\nstages: [{stage: ptycho_dm, id: a b}]\n"),
            "scan.yaml:2:33: /stages/0/id: 'a b' does not have the form ^[A-Za-z_][A-Za-z0-9_-]*$ (letters, digits, _ "
            "and -, starting with a letter or _)");
}

TEST_F(PipelineFile, RefusesAnUnknownStageThatIsLikeNone) {
  EXPECT_EQ(faults("name: x\nstages: [{stage: tomography}]\n"),
            "scan.yaml:2:18: /stages/0/stage: unknown stage 'tomography'; there are: broken, load, missing, "
            "ptycho_dm, save");
}

TEST_F(PipelineFile, RefusesVariablesThatAreNotRight) {
  EXPECT_EQ(
      faults(R"(name: x
variables:
  input:
  beta: 2
  2b: 1
  list: [1]
stages:
  - stage: load
    params: {file: "${inptu}/${input}"}
  - stage: ptycho_dm
    params: {beta: "${beta}", label: "${", iterations: "${beta}"}
)",
             {{"outptu", "o"}, {"bet", "3"}}),
      "scan.yaml: --set bet=3: no such variable; did you mean 'beta'?\n"
      "scan.yaml: --set outptu=o: no such variable; declared: 2b, beta, input, list\n"
      "scan.yaml:3:3: /variables/input: the variable has no value; give it one by --set input=…\n"
      "scan.yaml:5:3: /variables/2b: '2b' does not have the form ^[A-Za-z_][A-Za-z0-9_]*$ (letters, digits and _, "
      "no digit first)\n"
      "scan.yaml:6:9: /variables/list: expected text, a number, true or false or nothing; got a list\n"
      "scan.yaml:9:20: /stages/0/params/file: undefined variable 'inptu'; did you mean 'input'?\n"
      "scan.yaml:11:20: /stages/1/params/beta: 2 is too large; at most 1 (from '${beta}')\n"
      "scan.yaml:11:38: /stages/1/params/label: '${' without a '}'; write $${ for the characters themselves");
}

TEST_F(PipelineFile, RefusesWhatIsNotOneYamlDocument) {
  const std::string empty = "scan.yaml:1:1: the file is empty; a pipeline has a 'name' and 'stages'";
  EXPECT_EQ(faults(""), empty);
  EXPECT_EQ(faults("# nothing\n"), empty);
  EXPECT_EQ(faults("---\n...\n"), empty);
  EXPECT_EQ(faults("name: [a\n"), "scan.yaml:2:1: not valid YAML: end of sequence flow not found");
  EXPECT_EQ(faults("name: a\n---\nname: b\n"),
            "scan.yaml:2:1: a second document begins here; a pipeline file holds one");
  std::string pointer;
  for (int i = 0; i < 64; ++i) pointer += "/0";
  EXPECT_EQ(faults(std::string(100, '[') + std::string(100, ']')),
            "scan.yaml:1:65: " + pointer + ": nested deeper than 64 levels");
  EXPECT_EQ(faults("name: n\n? [a]\n: b\n1: 2\nstages: [{stage: ptycho_dm}]\n"),
            "scan.yaml:2:3: a key must be text\nscan.yaml:4:1: the key 1 is not text; put it in quotes");
  EXPECT_EQ(faults("name: \"\xff\"\nstages: [{stage: ptycho_dm}]\n"),
            "scan.yaml:1:7: /name: the text is not UTF-8; save the file in that encoding");
}

TEST_F(PipelineFile, RefusesAliasesWithoutExpandingThem) {
  std::string bomb = "name: n\na0: &a0 [x, x]\n";
  for (int i = 1; i < 60; ++i) bomb += fmt::format("a{0}: &a{0} [*a{1}, *a{1}]\n", i, i - 1);
  const std::string message = faults(bomb);
  EXPECT_NE(message.find("scan.yaml:3:10: /a1/0: aliases (*name) are not taken; write the value out, or use "
                         "${variables}\n"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("more faults"), std::string::npos) << "the list is cut at 50 lines";
  EXPECT_EQ(faults("name: &x n\nstages: [{stage: ptycho_dm, params: {beta: *x}}]\n"),
            "scan.yaml:2:44: /stages/0/params/beta: aliases (*name) are not taken; write the value out, or use "
            "${variables}");
}

TEST_F(PipelineFile, RefusesTagsAndNumbersWithoutAValue) {
  EXPECT_EQ(
      param_faults("{beta: .inf, gain: 1e999, iterations: 99999999999999999999, seed: !!int 3}"),
      "scan.yaml:2:44: /stages/0/params/beta: .inf is not a finite number that fits into 64 bits\n"
      "scan.yaml:2:56: /stages/0/params/gain: 1e999 is not a finite number that fits into 64 bits\n"
      "scan.yaml:2:75: /stages/0/params/iterations: 99999999999999999999 is not a finite number that fits into 64 "
      "bits\n"
      "scan.yaml:2:103: /stages/0/params/seed: the tag tag:yaml.org,2002:int is not taken; leave it out");
}

TEST_F(PipelineFile, RefusesTextsThatAreTooLong) {
  const std::string longest(2000, 'a');
  const std::string too_long = " bytes; at most 2000 are taken";
  const auto with = [](const std::string& variable, const std::string& file) {
    return "name: n\nvariables: {v: " + variable + "}\nstages: [{stage: save, params: {file: " + file + "}}]\n";
  };
  EXPECT_EQ(load(with(longest, "'${v}'")).stages.at(0).params["file"], Json(longest));
  EXPECT_EQ(faults(with("1", longest + "a")), "scan.yaml:3:39: /stages/0/params/file: a text of 2001" + too_long);
  EXPECT_EQ(faults(with(longest, "'${v}${v}'")),
            "scan.yaml:3:39: /stages/0/params/file: with its variables put in, the text has 4000" + too_long);
  EXPECT_EQ(faults(with("1", "'${v}'"), {{"v", longest + "a"}}), "scan.yaml: --set v=…: a text of 2001" + too_long);
}

TEST_F(PipelineFile, RefusesWhatIsNoFile) {
  const auto message = [](const std::string& path) {
    try {
      load_pipeline(path, {}, FakeCatalog());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      return std::string(error.what());
    }
    return std::string("no fault");
  };
  EXPECT_EQ(message("nothing.yaml"), "nothing.yaml: there is no such file");
  EXPECT_EQ(message("."), ".: this is a folder; name the pipeline file in it");
  EXPECT_EQ(faults(std::string((1 << 18) + 1, '#')), "scan.yaml: larger than 256 KiB: this is no pipeline file");
}

TEST_F(PipelineFile, SaysWhichStageCannotBeAsked) {
  EXPECT_EQ(faults("name: n\nstages: [{stage: missing}]\n", {}, ErrorCode::resource),
            "scan.yaml:2:18: /stages/0/stage: stage 'missing': libfoo.so.1 is not there");
  const std::string message = faults("name: n\nstages: [{stage: broken, params: {a: 1}}]\n", {}, ErrorCode::resource);
  EXPECT_EQ(message.find("scan.yaml:2:18: /stages/0/stage: stage 'broken': the parameters' JSON Schema is broken: "),
            0u)
      << message;
  EXPECT_EQ(faults("name: n\nstages: [{stage: missing}, {stage: sve}]\n"),
            "scan.yaml:2:18: /stages/0/stage: stage 'missing': libfoo.so.1 is not there\n"
            "scan.yaml:2:36: /stages/1/stage: unknown stage 'sve'; did you mean 'save'?");
}

TEST(PlainScalar, FollowsTheCoreSchema) {
  const auto value = [](const char* text) { return resolve_plain_scalar(text).value(); };
  for (const char* text : {"off", "yes", "No", "1_000", "0b1", "1e", "e5", ".", "+", "12 m", "-.e1", "0x", "nul"}) {
    EXPECT_EQ(value(text), Json(text));
  }
  for (const char* text : {"", "~", "null", "NULL"}) EXPECT_TRUE(value(text).is_null()) << text;
  EXPECT_EQ(value("True"), Json(true));
  EXPECT_EQ(value("false"), Json(false));
  EXPECT_EQ(value("+007"), Json(7));
  EXPECT_EQ(value("-12"), Json(-12));
  EXPECT_EQ(value("0x1F"), Json(31));
  EXPECT_EQ(value("0o17"), Json(15));
  EXPECT_EQ(value("9223372036854775807"), Json(INT64_MAX));
  EXPECT_EQ(value("1e-3"), Json(1e-3));
  EXPECT_EQ(value("+1."), Json(1.0));
  EXPECT_EQ(value("-.5E+2"), Json(-50.0));
  EXPECT_TRUE(value("1e2").is_number_float());
  for (const char* text : {"-.Inf", ".NaN", "9223372036854775808", "1e999"}) {
    EXPECT_FALSE(resolve_plain_scalar(text)) << text;
  }
}

TEST(NearestName, CountsSwapsAndCaseAsSmall) {
  const std::vector<std::string> names = {"iterations", "tolerance", "probe_modes", "x", "id"};
  EXPECT_EQ(nearest_name("itreations", names), "iterations");
  EXPECT_EQ(nearest_name("Tolerance", names), "tolerance");
  EXPECT_EQ(nearest_name("probemode", names), "probe_modes");
  EXPECT_EQ(nearest_name("X", names), "x");
  EXPECT_EQ(nearest_name("y", names), "");
  EXPECT_EQ(nearest_name("frames", names), "");
  EXPECT_EQ(nearest_name("bta", {"eta", "beta"}), "eta");  // the same distance: the first
  EXPECT_EQ(nearest_name("Beta", {"zeta", "beta"}), "beta");
  EXPECT_EQ(nearest_name("", names), "");
  EXPECT_EQ(nearest_name("a", {}), "");
}

}  // namespace
}  // namespace ptychoflow::host
