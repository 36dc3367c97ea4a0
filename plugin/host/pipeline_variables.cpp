#include "plugin/host/pipeline_variables.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plugin/host/nearest_name.hpp"
#include "plugin/host/yaml_scalar.hpp"

namespace ptychoflow::host {

using Json = nlohmann::json;

namespace {

std::string suggestion(const std::string& given, const std::vector<std::string>& names) {
  constexpr std::size_t most_listed = 12;
  if (const std::string nearest = nearest_name(given, names); !nearest.empty()) {
    return "; did you mean '" + nearest + "'?";
  }
  if (names.empty()) return "; the file declares none";
  const auto listed = static_cast<std::ptrdiff_t>(std::min(names.size(), most_listed));
  return fmt::format("; declared: {}{}", fmt::join(names.begin(), names.begin() + listed, ", "),
                     names.size() > most_listed ? ", …" : "");
}

}  // namespace

Variables::Variables(const YamlDocument& document, const std::map<std::string, std::string>& overrides,
                     std::vector<Fault>& faults) {
  const Pointer at("/variables");
  const Json declared = document.root.is_object() ? document.root.value("variables", Json()) : Json();
  for (const auto& [name, value] : declared.items()) {
    if (!declared.is_object()) break;  // a fault of the file's schema
    const auto given = overrides.find(name);
    if (given != overrides.end() && given->second.size() > longest_scalar) {
      faults.push_back({std::nullopt, "",
                        fmt::format("--set {}=…: a text of {} bytes; at most {} are taken", name, given->second.size(),
                                    longest_scalar)});
      variables_[name] = {Json(), "", false};
      continue;
    }
    if (given != overrides.end()) {
      variables_[name] = {resolve_override(given->second), given->second};
      continue;
    }
    const std::string where = (at / name).to_string();
    const bool usable = value.is_primitive() && document.unusable.count(where) == 0;
    const auto text = document.texts.find(where);
    variables_[name] = {value, text == document.texts.end() ? "" : text->second, usable && !value.is_null()};
    if (usable && value.is_null()) {
      faults.push_back({document.place(at / name, Spot::key), where,
                        fmt::format("the variable has no value; give it one by --set {}=…", name)});
    }
  }
  for (const auto& [name, unused] : variables_) names_.push_back(name);
  for (const auto& [name, text] : overrides) {
    if (variables_.count(name)) continue;
    faults.push_back(
        {std::nullopt, "", fmt::format("--set {}={}: no such variable{}", name, text, suggestion(name, names_))});
  }
}

Json Variables::substitute(const Json& value, const Pointer& at, YamlDocument& document,
                           std::map<std::string, std::string>& used, std::vector<Fault>& faults) const {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text.find("${") == std::string::npos) return value;
    used[at.to_string()] = text;
    return expand(text, at, document, faults);
  }
  if (!value.is_structured()) return value;
  Json result = value;
  std::size_t index = 0;
  for (auto member = result.begin(); member != result.end(); ++member, ++index) {
    const Pointer here = result.is_object() ? at / member.key() : at / index;
    *member = substitute(*member, here, document, used, faults);
  }
  return result;
}

Json Variables::expand(const std::string& text, const Pointer& at, YamlDocument& document,
                       std::vector<Fault>& faults) const {
  const std::string where = at.to_string();
  const auto refuse = [&](const std::string& why) {
    faults.push_back({document.place(at, Spot::value), where, why});
    document.unusable.insert(where);
  };
  std::string result;
  std::size_t done = 0;
  for (std::size_t begin; (begin = text.find("${", done)) != std::string::npos;) {
    if (begin > done && text[begin - 1] == '$') {
      result += text.substr(done, begin - 1 - done) + "${";
      done = begin + 2;
      continue;
    }
    const std::size_t end = text.find('}', begin);
    if (end == std::string::npos) {
      refuse("'${' without a '}'; write $${ for the characters themselves");
      return text;
    }
    const std::string name = text.substr(begin + 2, end - begin - 2);
    const auto found = variables_.find(name);
    if (found == variables_.end()) {
      refuse(fmt::format("undefined variable '{}'{}", name, suggestion(name, names_)));
    } else if (!found->second.has_value) {
      document.unusable.insert(where);  // said once, where it is declared
    } else if (begin == 0 && end + 1 == text.size()) {
      return found->second.value;
    } else {
      result += text.substr(done, begin - done) + found->second.text;
    }
    done = end + 1;
  }
  result += text.substr(done);
  if (result.size() > longest_scalar) {
    refuse(fmt::format("with its variables put in, the text has {} bytes; at most {} are taken", result.size(),
                       longest_scalar));
  }
  return result;
}

Json Variables::values() const {
  Json values = Json::object();
  for (const auto& [name, variable] : variables_) values[name] = variable.value;
  return values;
}

}  // namespace ptychoflow::host
