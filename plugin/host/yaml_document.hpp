// YAML text to JSON that remembers where everything stood.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "plugin/host/pipeline_fault.hpp"

namespace ptychoflow::host {

using Pointer = nlohmann::json::json_pointer;

/// The longest text of a scalar, in bytes: std::regex, which `pattern` is tested with, needs stack for every character.
inline constexpr std::size_t longest_scalar = 2000;

/// What of a member of a mapping is meant: its key or its value.
enum class Spot { key, value };

struct YamlDocument {
  nlohmann::json root;
  bool readable = false;                      ///< false: the text could not be read to its end, `root` is empty
  std::map<std::string, Place> keys, values;  ///< by JSON pointer
  std::map<std::string, std::string> texts;   ///< scalars as written, without their quotes, by JSON pointer
  std::set<std::string> unusable;             ///< pointers of values that a fault was already found with

  /// Where `pointer` stands; if it does not, where the nearest of its parents does.
  Place place(Pointer pointer, Spot spot) const;
};

/// Reads the one document of `text`. Keys given twice, keys that are no text, aliases, tags, numbers that are not
/// finite, texts longer than `longest_scalar` and text that is not UTF-8 become faults, and reading goes on; syntax, a
/// second document, no document and nesting deeper than 64 become faults that end it. Aliases are refused because a
/// short file of them can stand for a huge one; ${variables} do their work.
YamlDocument parse_yaml(const std::string& text, std::vector<Fault>& faults);

}  // namespace ptychoflow::host
