#include "plugin/host/parameter_help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "plugin/host/roff.hpp"
#include "plugin/host/schema_text.hpp"

namespace ptychoflow::host {
namespace {

using Json = nlohmann::json;

constexpr std::size_t width = 100;
constexpr std::size_t step = 4;

/// Breaks at spaces; lines after the first stand at `indent + step`.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::istringstream words(text);
  std::string result, line(indent, ' ');
  bool is_empty = true;
  for (std::string word; words >> word; is_empty = false) {
    if (!is_empty && line.size() + 1 + word.size() > width) {
      result += line + '\n';
      line.assign(indent + step, ' ');
      is_empty = true;
    }
    line += (is_empty ? "" : " ") + word;
  }
  return result + line + '\n';
}

/// As one would write it in the pipeline file.
std::string default_text(const Json& value) {
  if (value.is_null()) return "none";
  return value.is_structured() ? value.dump() : value_text(value);
}

/// One parameter, `level` parameters within others.
using Entry = std::string (*)(const std::string& name, const std::string& what, const std::string& meaning,
                              std::size_t level);

std::string plain_entry(const std::string& name, const std::string& what, const std::string& meaning,
                        std::size_t level) {
  const std::size_t indent = 2 + level * step;
  return wrapped(name + ": " + what, indent) + (meaning.empty() ? "" : wrapped(meaning, indent + step));
}

std::string markdown_entry(const std::string& name, const std::string& what, const std::string& meaning,
                           std::size_t level) {
  std::string text = fmt::format("{:{}}- **{}**: {}", "", 2 * level, name, what);
  if (!meaning.empty()) text += ".<br>";
  for (const char c : meaning) text += c == '*' || c == '<' ? fmt::format("\\{}", c) : std::string(1, c);
  return text + '\n';
}

std::string roff_entry(const std::string& name, const std::string& what, const std::string& meaning,
                       std::size_t level) {
  const std::string more = meaning.empty() ? "" : "\n.br\n" + roff(meaning);
  const std::string item = roff_item("\\fB" + roff(name) + "\\fR", roff(what) + more);
  constexpr std::size_t paragraph = 7;  // man's own indentation
  return level == 0 ? item : fmt::format(".RS {}\n{}.RE\n", level * paragraph, item);
}

class Describer {
 public:
  Describer(const Json& root, Entry entry) : root_(root), entry_(entry) {}

  std::string members(const Json& given, std::size_t level) const {
    const Json& schema = follow_reference(given, root_);
    if (!schema.is_object() || level > most_levels) return "";
    std::string text;
    const Json required = schema.value("required", Json::array());
    const Json properties = schema.value("properties", Json::object());
    for (const auto& [name, property] : properties.items()) {
      const bool is_required = std::find(required.begin(), required.end(), name) != required.end();
      text += member(name, follow_reference(property, root_), is_required, level);
    }
    return text + within(schema, level);
  }

 private:
  static constexpr std::size_t most_levels = 8;  // a schema may refer to itself

  std::string member(const std::string& name, const Json& schema, bool is_required, std::size_t level) const {
    std::string what = expected_text(schema, root_);
    if (!schema.is_object()) return entry_(name, what, "", level);
    if (schema.contains("x-unit")) what += "; in " + schema["x-unit"].get<std::string>();
    if (is_required) what += "; required";
    if (schema.contains("default")) what += "; default " + default_text(schema["default"]);
    return entry_(name, what, schema.value("description", ""), level) + members(schema, level + 1);
  }

  /// What lies within a list's entries or the alternatives.
  std::string within(const Json& schema, std::size_t level) const {
    std::string text;
    if (schema.contains("items") && schema["items"].is_object()) text += members(schema["items"], level);
    if (const Json* alternatives = alternatives_of(schema)) {
      for (const Json& alternative : *alternatives) {
        Json chosen = follow_reference(alternative, root_);
        // The one key that names the alternative is not required of everybody.
        if (chosen.is_object() && chosen.value("properties", Json()).size() == 1) chosen.erase("required");
        text += members(chosen, level);
      }
    }
    return text;
  }

  const Json& root_;
  Entry entry_;
};

}  // namespace

std::string describe_parameters(const Json& schema) {
  const std::string text = Describer(schema, plain_entry).members(schema, 0);
  return text.empty() ? "  no parameters\n" : text;
}

std::string list_parameters(const Json& schema) {
  const std::string text = Describer(schema, markdown_entry).members(schema, 0);
  return text.empty() ? "None.\n" : text;
}

std::string roff_parameters(const Json& schema) {
  const std::string text = Describer(schema, roff_entry).members(schema, 0);
  return text.empty() ? "None.\n" : text;
}

}  // namespace ptychoflow::host
