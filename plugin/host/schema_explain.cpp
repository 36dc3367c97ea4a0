#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <regex>

#include "plugin/host/nearest_name.hpp"
#include "plugin/host/schema_check.hpp"
#include "plugin/host/schema_text.hpp"

namespace ptychoflow::host {
namespace {

using Json = nlohmann::json;

std::string hint(const std::string& nearest) { return nearest.empty() ? "" : "; did you mean '" + nearest + "'?"; }

/// A keyword's value; null, which has no entries, if the schema has no such keyword. A reference, so that a loop over
/// its `items()` is safe.
const Json& keyword_of(const Json& schema, const char* keyword) {
  static const Json none;
  const auto found = schema.find(keyword);
  return found == schema.end() ? none : *found;
}

std::string said_of(const Json& schema) {
  const Json& description = keyword_of(schema, "description");
  return description.is_string() ? " (" + description.get<std::string>() + ")" : "";
}

bool is_type(const std::string& type, const Json& value) {
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  if (type == "integer") return value.is_number_integer();
  if (type == "boolean") return value.is_boolean();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  return value.is_null();
}

bool type_fits(const Json& schema, const Json& value) {
  if (!schema.contains("type")) return true;
  if (schema["type"].is_string()) return is_type(schema["type"].get<std::string>(), value);
  for (const Json& type : schema["type"]) {
    if (is_type(type.get<std::string>(), value)) return true;
  }
  return false;
}

/// The names or values that a text could have been meant as: those of enums and consts.
void add_known_texts(const Json& schema, std::vector<std::string>& names) {
  for (const Json& value : keyword_of(schema, "enum")) {
    if (value.is_string()) names.push_back(value);
  }
  if (schema.contains("const") && schema["const"].is_string()) names.push_back(schema["const"]);
}

std::vector<std::string> property_names(const Json& schema) {
  std::vector<std::string> names;
  for (const auto& [name, unused] : keyword_of(schema, "properties").items()) names.push_back(name);
  return names;
}

bool matches(const std::string& text, const std::string& pattern) {
  return std::regex_search(text, std::regex(pattern));
}

class Explainer {
 public:
  Explainer(const Json& root, std::string noun) : root_(root), noun_(std::move(noun)) {}

  std::vector<SchemaFault> faults(const Json& given, const Json& value, const Pointer& at) const {
    const Json& schema = follow_reference(given, root_);
    std::vector<SchemaFault> found;
    const auto add = [&](std::string text) { found.push_back({at, Spot::value, std::move(text)}); };
    if (!schema.is_object()) {
      if (schema == Json(false)) add("nothing may be here");
      return found;
    }
    if (!type_fits(schema, value)) {
      add(wrong_type(schema, value));
      return found;
    }
    if (!in_enumeration(schema, value)) {
      std::vector<std::string> names;
      add_known_texts(schema, names);
      const std::string nearest = value.is_string() ? nearest_name(value, names) : "";
      add(fmt::format("{} is not {}{}", value_text(value), expected_text(schema, root_), hint(nearest)));
      return found;
    }
    if (value.is_number()) check_number(schema, value, add);
    if (value.is_string()) check_text(schema, value, add);
    if (value.is_array()) check_list(schema, value, at, found);
    if (value.is_object()) check_mapping(schema, value, at, found);
    for (const Json& part : keyword_of(schema, "allOf")) append(found, faults(part, value, at));
    check_alternatives(schema, value, at, found);
    return found;
  }

 private:
  using Add = std::function<void(std::string)>;

  static void append(std::vector<SchemaFault>& to, std::vector<SchemaFault> from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  }

  static bool in_enumeration(const Json& schema, const Json& value) {
    if (schema.contains("const")) return schema["const"] == value;
    if (!schema.contains("enum")) return true;
    for (const Json& allowed : schema["enum"]) {
      if (allowed == value) return true;
    }
    return false;
  }

  std::string wrong_type(const Json& schema, const Json& value) const {
    std::string text = "expected " + expected_text(schema, root_) + "; got " + value_text(value);
    const bool is_scalar = value.is_number() || value.is_boolean();
    if (value.is_number_float() && value == std::floor(value.get<double>()) && std::abs(value.get<double>()) < 1e15 &&
        keyword_of(schema, "type") == "integer") {
      text += fmt::format(" with a point or an exponent; write {:.0f}", value.get<double>());
    } else if (is_scalar && keyword_of(schema, "type") == "string" && !schema.contains("enum")) {
      text += "; put it in quotes";
    }
    return text;
  }

  static void check_number(const Json& schema, const Json& value, const Add& add) {
    const double number = value.get<double>();
    const std::string given = value_text(value);
    const auto bound = [&](const char* keyword, auto is_outside, const char* words) {
      if (!schema.contains(keyword) || !is_outside(number, schema[keyword].get<double>())) return;
      add(given + words + value_text(schema[keyword]));
    };
    bound("minimum", std::less<>(), " is too small; at least ");
    bound("exclusiveMinimum", std::less_equal<>(), " is too small; more than ");
    bound("maximum", std::greater<>(), " is too large; at most ");
    bound("exclusiveMaximum", std::greater_equal<>(), " is too large; less than ");
    bound(
        "multipleOf", [](double a, double b) { return std::abs(std::remainder(a, b)) > 1e-12 * std::abs(a); },
        " is not a multiple of ");
  }

  static void check_text(const Json& schema, const Json& value, const Add& add) {
    const auto& text = value.get_ref<const std::string&>();
    const auto length = static_cast<double>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
    const std::string given = value_text(value);
    if (length < schema.value("minLength", 0.0)) {
      add(text.empty() ? "the text is empty"
                       : fmt::format("{} is too short; at least {} characters", given, schema["minLength"].dump()));
    }
    if (schema.contains("maxLength") && length > schema["maxLength"].get<double>()) {
      add(fmt::format("{} is too long; at most {} characters", given, schema["maxLength"].dump()));
    }
    if (schema.contains("pattern") && !matches(text, schema["pattern"])) {
      add(fmt::format("{} does not have the form {}{}", given, schema["pattern"].get<std::string>(), said_of(schema)));
    }
  }

  void check_list(const Json& schema, const Json& value, const Pointer& at, std::vector<SchemaFault>& found) const {
    const auto size = static_cast<double>(value.size());
    const auto add = [&](std::string text) { found.push_back({at, Spot::value, std::move(text)}); };
    const auto entries = [](std::size_t n) { return fmt::format("{} {}", n, n == 1 ? "entry" : "entries"); };
    if (size < schema.value("minItems", 0.0)) {
      add(fmt::format("the list has {}; at least {}", entries(value.size()), schema["minItems"].dump()));
    }
    if (schema.contains("maxItems") && size > schema["maxItems"].get<double>()) {
      add(fmt::format("the list has {}; at most {}", entries(value.size()), schema["maxItems"].dump()));
    }
    if (schema.value("uniqueItems", false)) {
      for (std::size_t i = 1; i < value.size(); ++i) {
        const auto end = value.begin() + static_cast<std::ptrdiff_t>(i);
        if (std::find(value.begin(), end, value[i]) == end) continue;
        found.push_back({at / i, Spot::value, value_text(value[i]) + " is in the list already"});
      }
    }
    if (!schema.contains("items")) return;
    const Json& items = schema["items"];
    for (std::size_t i = 0; i < value.size(); ++i) {
      const Json* of_this = &items;
      if (items.is_array()) {
        const auto additional = schema.find("additionalItems");
        if (i < items.size()) {
          of_this = &items[i];
        } else if (additional != schema.end()) {
          of_this = &*additional;
        } else {
          return;
        }
      }
      append(found, faults(*of_this, value[i], at / i));
    }
  }

  void check_mapping(const Json& schema, const Json& value, const Pointer& at, std::vector<SchemaFault>& found) const {
    const std::vector<std::string> known = property_names(schema);
    const Json& patterns = keyword_of(schema, "patternProperties");
    const Json others = schema.value("additionalProperties", Json(true));
    std::vector<std::string> mistyped;  // what unknown keys were probably meant as
    for (const auto& [key, member] : value.items()) {
      const Pointer here = at / key;
      bool is_known = std::find(known.begin(), known.end(), key) != known.end();
      if (is_known) append(found, faults(schema["properties"][key], member, here));
      for (const auto& [pattern, of_these] : patterns.items()) {
        if (!matches(key, pattern)) continue;
        is_known = true;
        append(found, faults(of_these, member, here));
      }
      if (schema.contains("propertyNames")) {
        for (SchemaFault& fault : faults(schema["propertyNames"], key, here)) {
          found.push_back({here, Spot::key, std::move(fault.text)});
        }
      }
      if (is_known) continue;
      if (others.is_object()) append(found, faults(others, member, here));
      if (others != Json(false)) continue;
      mistyped.push_back(nearest_name(key, known));
      std::string text = "unknown " + noun_ + hint(mistyped.back());
      if (mistyped.back().empty())
        text += known.empty() ? "; there are none" : "; known: " + fmt::format("{}", fmt::join(known, ", "));
      found.push_back({here, Spot::key, std::move(text)});
    }
    for (const std::string name : keyword_of(schema, "required")) {
      if (value.contains(name) || std::find(mistyped.begin(), mistyped.end(), name) != mistyped.end()) continue;
      const Json& properties = keyword_of(schema, "properties");
      const std::string expected = properties.contains(name) ? ", " + expected_text(properties[name], root_) : "";
      found.push_back({at, Spot::value, fmt::format("{} '{}' is missing{}", noun_, name, expected)});
    }
    for (const auto& [key, needed] : keyword_of(schema, "dependencies").items()) {
      if (!value.contains(key) || !needed.is_array()) continue;
      for (const std::string name : needed) {
        if (!value.contains(name)) found.push_back({at / key, Spot::key, fmt::format("needs '{}' beside it", name)});
      }
    }
  }

  void check_alternatives(const Json& schema, const Json& value, const Pointer& at,
                          std::vector<SchemaFault>& found) const {
    const Json* alternatives = alternatives_of(schema);
    if (!alternatives) return;
    std::size_t fitting = 0;
    std::vector<std::vector<SchemaFault>> near;  // of those that the value was probably meant as
    std::vector<std::string> names;
    for (const Json& alternative : *alternatives) {
      const Json& of_these = follow_reference(alternative, root_);
      std::vector<SchemaFault> wrong = faults(of_these, value, at);
      fitting += wrong.empty();
      add_known_texts(of_these, names);
      if (!type_fits(of_these, value) || !in_enumeration(of_these, value)) continue;
      if (value.is_object() && !shares_key(of_these, value)) {
        for (std::string& name : property_names(of_these)) names.push_back(std::move(name));
        continue;
      }
      near.push_back(std::move(wrong));
    }
    if (fitting == 1 || (fitting > 1 && schema.contains("anyOf"))) return;
    const std::string expected = expected_text(Json{{"oneOf", *alternatives}}, root_);
    if (fitting > 1) {
      found.push_back({at, Spot::value, fmt::format("{} fits more than one of: {}", value_text(value), expected)});
    } else if (near.size() == 1) {
      append(found, std::move(near.front()));
    } else {
      const std::string given = value.is_object() && value.size() == 1 ? value.begin().key()
                                : value.is_string()                    ? value.get<std::string>()
                                                                       : "";
      found.push_back({at, Spot::value,
                       fmt::format("expected {}; got {}{}", expected,
                                   value.is_object() && !given.empty() ? "a mapping with " + given : value_text(value),
                                   hint(nearest_name(given, names)))});
    }
  }

  static bool shares_key(const Json& schema, const Json& value) {
    for (const std::string& name : property_names(schema)) {
      if (value.contains(name)) return true;
    }
    return false;
  }

  const Json& root_;
  std::string noun_;
};

}  // namespace

std::vector<SchemaFault> explain_schema_faults(const Json& schema, const Json& value, const Pointer& at,
                                               const std::string& noun) {
  return Explainer(schema, noun).faults(schema, value, at);
}

}  // namespace ptychoflow::host
