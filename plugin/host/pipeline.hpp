// The pipeline file: YAML in, checked plain structs out.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ptychoflow::host {

using Json = nlohmann::json;

/// One entry of a pipeline's `stages`.
struct StageSpec {
  std::string stage;             ///< the stage's name, as in its file's name
  std::string id;                ///< unique within the pipeline; if not given, the name, then name_2, name_3, …
  Json params = Json::object();  ///< what the file says, variables put in; defaults are the stage's own business
};

/// What becomes of the other scans after a bad one.
enum class OnError { stop, skip };

struct Pipeline {
  std::string name;
  std::string file;  ///< path as given to `load_pipeline`
  std::vector<StageSpec> stages;
  OnError on_error = OnError::stop;
  std::optional<int> ranks_per_scan;  ///< none: all
  Json resolved;                      ///< the whole file with variables and ids put in, for the record
};

/// What the parser must know of stages.
class StageCatalog {
 public:
  virtual ~StageCatalog() = default;

  /// Every stage there is.
  virtual std::vector<std::string> names() const = 0;

  /// JSON Schema (draft-07) of one stage's `params`.
  /// @throws Error (resource) if the plugin cannot be loaded
  virtual Json parameters_schema(const std::string& name) const = 0;
};

/// Reads and checks a pipeline file. `overrides`: the `--set name=value` pairs.
/// @throws Error (usage) whose message lists all faults, one a line, as
///         `FILE:LINE:COLUMN: /json/pointer: what was expected; nearest right name`; or the catalog's own errors
Pipeline load_pipeline(const std::string& path, const std::map<std::string, std::string>& overrides,
                       const StageCatalog& catalog);

/// The same for a text at hand, which faults call `name`.
Pipeline parse_pipeline(const std::string& text, const std::string& name,
                        const std::map<std::string, std::string>& overrides, const StageCatalog& catalog);

}  // namespace ptychoflow::host
