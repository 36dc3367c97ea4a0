// What a stage's parameters are, as text for people, from their JSON Schema.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace ptychoflow::host {

/// For each parameter of an object schema: name, type, unit (`x-unit`), default, range, allowed values, and meaning
/// (`description`); what lies within a parameter is indented below it. At most 100 columns; ends in a newline.
std::string describe_parameters(const nlohmann::json& schema);

/// The same as a list in Markdown.
std::string list_parameters(const nlohmann::json& schema);

/// The same as paragraphs of a manual page.
std::string roff_parameters(const nlohmann::json& schema);

}  // namespace ptychoflow::host
