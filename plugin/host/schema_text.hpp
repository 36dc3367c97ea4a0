// A JSON value, and what a JSON Schema allows, in words for scientists.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ptychoflow::host {

/// "A, B or C".
std::string join_or(const std::vector<std::string>& parts);

/// A value as in `got …`: 'text', 1.7, true, nothing, a list, a mapping.
std::string value_text(const nlohmann::json& value);

/// What `schema` allows: "a whole number, at least 1", "'off', 'auto' or a number from 0 to 1". A `title` in it or in
/// one of its alternatives is taken as it is. `root`: the schema that `$ref` is looked up in.
std::string expected_text(const nlohmann::json& schema, const nlohmann::json& root);

/// `schema`, or what its `$ref` points to within `root`; an empty schema if that is not there.
const nlohmann::json& follow_reference(const nlohmann::json& schema, const nlohmann::json& root);

/// The alternatives of a `oneOf` or `anyOf`; null if there are none.
const nlohmann::json* alternatives_of(const nlohmann::json& schema);

}  // namespace ptychoflow::host
