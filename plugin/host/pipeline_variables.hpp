// ${variables} of a pipeline file.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "plugin/host/yaml_document.hpp"

namespace ptychoflow::host {

class Variables {
 public:
  /// Takes the defaults from `variables` of the document and the `--set` pairs. A pair whose name is not declared and a
  /// variable without a value become faults.
  Variables(const YamlDocument& document, const std::map<std::string, std::string>& overrides,
            std::vector<Fault>& faults);

  /// The texts within `value`, which stands at `at`, with variables put in: a text that is nothing but "${name}"
  /// becomes the typed value; elsewhere the value's text is pasted. `$${` stands for `${`. What names no variable
  /// becomes a fault, and its place is added to `document.unusable`.
  /// `used`: for each place that changed, what its text was.
  nlohmann::json substitute(const nlohmann::json& value, const Pointer& at, YamlDocument& document,
                            std::map<std::string, std::string>& used, std::vector<Fault>& faults) const;

  /// Name to value, for the record.
  nlohmann::json values() const;

 private:
  struct Variable {
    nlohmann::json value;
    std::string text;  ///< as written: `007` stays so when pasted into a file's name
    bool has_value = true;
  };

  nlohmann::json expand(const std::string& text, const Pointer& at, YamlDocument& document,
                        std::vector<Fault>& faults) const;
  std::map<std::string, Variable> variables_;
  std::vector<std::string> names_;
};

}  // namespace ptychoflow::host
