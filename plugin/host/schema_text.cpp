#include "plugin/host/schema_text.hpp"

#include <fmt/format.h>

namespace ptychoflow::host {
namespace {

using Json = nlohmann::json;

/// " from 0 to 1", ", more than 0 and at most 1", or nothing.
std::string range_text(const Json& schema) {
  if (schema.contains("minimum") && schema.contains("maximum")) {
    return " from " + value_text(schema["minimum"]) + " to " + value_text(schema["maximum"]);
  }
  std::string bounds;
  const auto add = [&](const char* keyword, const char* words) {
    if (!schema.contains(keyword)) return;
    bounds += (bounds.empty() ? ", " : " and ") + std::string(words) + value_text(schema[keyword]);
  };
  add("minimum", "at least ");
  add("exclusiveMinimum", "more than ");
  add("maximum", "at most ");
  add("exclusiveMaximum", "less than ");
  return bounds;
}

std::string list_text(const Json& schema, const Json& root) {
  std::string text = "a list";
  const Json least = schema.value("minItems", Json());
  const Json most = schema.value("maxItems", Json());
  if (!least.is_null() && least == most) {
    text += " of " + value_text(least);
  } else if (!least.is_null() && !most.is_null()) {
    text += " of " + value_text(least) + " to " + value_text(most);
  } else if (!least.is_null()) {
    text += " of at least " + value_text(least);
  } else if (!most.is_null()) {
    text += " of at most " + value_text(most);
  }
  if (schema.contains("items") && schema["items"].is_object()) {
    text += ", each " + expected_text(schema["items"], root);
  }
  return text;
}

std::string mapping_text(const Json& schema) {
  if (!schema.contains("properties") || schema["properties"].empty()) return "a mapping";
  std::string text = "a mapping with ";
  const char* separator = "";
  for (const auto& [name, unused] : schema["properties"].items()) {
    text += separator + name;
    separator = ", ";
  }
  return text;
}

std::string type_text(const std::string& type, const Json& schema, const Json& root) {
  if (type == "string") return "text";
  if (type == "number") return "a number" + range_text(schema);
  if (type == "integer") return "a whole number" + range_text(schema);
  if (type == "boolean") return "true or false";
  if (type == "array") return list_text(schema, root);
  if (type == "object") return mapping_text(schema);
  return "nothing";
}

void add_alternatives(const Json& given, const Json& root, std::vector<std::string>& parts) {
  const Json& schema = follow_reference(given, root);
  if (!schema.is_object()) return;
  if (schema.contains("title") && schema["title"].is_string()) {
    parts.push_back(schema["title"].get<std::string>());
  } else if (schema.contains("enum")) {
    for (const Json& value : schema["enum"]) parts.push_back(value_text(value));
  } else if (schema.contains("const")) {
    parts.push_back(value_text(schema["const"]));
  } else if (const Json* alternatives = alternatives_of(schema)) {
    for (const Json& alternative : *alternatives) add_alternatives(alternative, root, parts);
  } else if (schema.contains("type")) {
    const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    for (const Json& type : types) parts.push_back(type_text(type.get<std::string>(), schema, root));
  }
}

}  // namespace

std::string join_or(const std::vector<std::string>& parts) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i) text += i + 1 == parts.size() ? " or " : ", ";
    text += parts[i];
  }
  return text;
}

std::string value_text(const Json& value) {
  constexpr std::size_t longest = 60;
  switch (value.type()) {
    case Json::value_t::null:
      return "nothing";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::object:
      return "a mapping";
    case Json::value_t::number_float:
      return fmt::format("{}", value.get<double>());
    case Json::value_t::string: {
      const auto& text = value.get_ref<const std::string&>();
      if (text.size() <= longest) return "'" + text + "'";
      std::size_t end = longest;
      while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not within a character
      return "'" + text.substr(0, end) + "…'";
    }
    default:
      return value.dump();
  }
}

std::string expected_text(const Json& schema, const Json& root) {
  std::vector<std::string> parts;
  add_alternatives(schema, root, parts);
  return parts.empty() ? "a value" : join_or(parts);
}

const Json& follow_reference(const Json& schema, const Json& root) {
  static const Json anything = Json::object();
  constexpr int most_hops = 16;
  const Json* found = &schema;
  for (int hop = 0; found->is_object() && found->contains("$ref"); ++hop) {
    const Json& reference = (*found)["$ref"];
    if (hop == most_hops || !reference.is_string() || !reference.get_ref<const std::string&>().starts_with("#"))
      return anything;
    const Json::json_pointer target(reference.get_ref<const std::string&>().substr(1));
    if (!root.contains(target)) return anything;
    found = &root.at(target);
  }
  return *found;
}

const Json* alternatives_of(const Json& schema) {
  for (const char* keyword : {"oneOf", "anyOf"}) {
    const auto found = schema.find(keyword);
    if (found != schema.end() && found->is_array()) return &*found;
  }
  return nullptr;
}

}  // namespace ptychoflow::host
