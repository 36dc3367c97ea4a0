// Two stages without plugins, and a pipeline file on disk for the length of a test.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "plugin/host/pipeline.hpp"

namespace ptychoflow::host {

class FakeCatalog : public StageCatalog {
 public:
  std::vector<std::string> names() const override { return {"broken", "load", "missing", "ptycho_dm", "save"}; }

  Json parameters_schema(const std::string& name) const override {
    if (name == "missing") throw Error(ErrorCode::resource, "libfoo.so.1 is not there");
    if (name == "broken") return Json::parse(R"({"type": "object", "properties": {"a": {"type": "nonsense"}}})");
    if (name != "ptycho_dm") {
      return Json::parse(R"({"type": "object", "required": ["file"], "additionalProperties": false,
        "properties": {"file": {"type": "string", "minLength": 1}, "overwrite": {"type": "boolean"}}})");
    }
    return Json::parse(R"({
      "type": "object",
      "additionalProperties": false,
      "definitions": {"length": {"type": "number", "exclusiveMinimum": 0}},
      "dependencies": {"seed": ["iterations"]},
      "properties": {
        "iterations": {"type": "integer", "minimum": 1, "multipleOf": 2},
        "beta": {"type": "number", "minimum": 0, "maximum": 1},
        "precision": {"enum": ["single", "double"]},
        "average": {"type": "boolean"},
        "seed": {"type": "integer"},
        "wavelength_m": {"$ref": "#/definitions/length"},
        "gain": {"type": "number", "exclusiveMaximum": 4},
        "center": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "number"}},
        "skip": {"type": "array", "uniqueItems": true, "items": {"type": "integer"}},
        "label": {"type": "string", "pattern": "^[a-z]+$", "description": "small letters", "maxLength": 4},
        "positions": {"type": "object", "additionalProperties": false, "required": ["scale"],
          "properties": {"swap_xy": {"type": "boolean"}, "scale": {"type": "number"}}},
        "modulus_relaxation": {"oneOf": [{"enum": ["off", "auto"]}, {"type": "number", "minimum": 0, "maximum": 1}]},
        "initial_probe": {"oneOf": [
          {"const": "file"},
          {"type": "object", "additionalProperties": false, "required": ["from_data"], "properties": {"from_data":
            {"type": "object", "additionalProperties": false, "properties": {"defocus_m": {"type": "number"}}}}},
          {"type": "object", "additionalProperties": false, "required": ["aperture"], "properties": {"aperture":
            {"type": "object", "additionalProperties": false, "properties": {"diameter_m": {"type": "number"}}}}}]},
        "odd": {"not": {"type": "string"}}
      }})");
  }
};

class PipelineFile : public ::testing::Test {
 protected:
  PipelineFile()
      : folder_(std::filesystem::temp_directory_path() / ("ptychoflow_pipeline_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_);  // so that messages begin with the bare name
  }
  ~PipelineFile() override {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(folder_);
  }

  using Overrides = std::map<std::string, std::string>;

  static Pipeline load(const std::string& text, const Overrides& overrides = {}) {
    std::ofstream("scan.yaml", std::ios::binary) << text;
    return load_pipeline("scan.yaml", overrides, FakeCatalog());
  }

  /// The message, after checking the code.
  static std::string faults(const std::string& text, const Overrides& overrides = {},
                            ErrorCode code = ErrorCode::usage) {
    try {
      load(text, overrides);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    return "no fault";
  }

  /// Faults of `params` of a lone stage ptycho_dm; `params` is a flow mapping that begins at line 2, column 31.
  static std::string param_faults(const std::string& params, const Overrides& overrides = {}) {
    return faults("name: n\nstages: [{stage: ptycho_dm, params: " + params + "}]\n", overrides);
  }

 private:
  std::filesystem::path folder_, before_;
};

}  // namespace ptychoflow::host
