// A JSON value against a JSON Schema (draft-07): the faults, in words.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "plugin/host/yaml_document.hpp"

namespace ptychoflow::host {

struct SchemaFault {
  Pointer pointer;
  Spot spot = Spot::value;
  std::string text;
};

/// All that is wrong with `value`, which stands at `at`. `noun`: what a member of it is called, "key" or "parameter".
/// @throws Error (resource) if the schema itself is broken; the message does not say whose it is
std::vector<SchemaFault> check_schema(const nlohmann::json& schema, const nlohmann::json& value, const Pointer& at,
                                      const std::string& noun);

/// The part of `check_schema` that finds words for the faults of the common keywords: type, enum, const, ranges,
/// lengths, pattern, multipleOf, items, uniqueItems, properties, required, additionalProperties, propertyNames,
/// patternProperties, list dependencies, allOf, oneOf, anyOf and local $ref.
std::vector<SchemaFault> explain_schema_faults(const nlohmann::json& schema, const nlohmann::json& value,
                                               const Pointer& at, const std::string& noun);

}  // namespace ptychoflow::host
