#include "plugin/host/pipeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/base/error.hpp"
#include "pipeline_schema.hpp"
#include "plugin/host/nearest_name.hpp"
#include "plugin/host/pipeline_variables.hpp"
#include "plugin/host/schema_check.hpp"
#include "plugin/host/yaml_document.hpp"

namespace ptychoflow::host {
namespace {

constexpr const char* ranks_per_scan = "ranks_per_scan";

std::string read_text(const std::string& path) {
  constexpr std::size_t most_bytes = 1 << 18;
  const auto refuse = [&](const std::string& why) { throw Error(ErrorCode::usage, path + ": " + why); };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) refuse("this is a folder; name the pipeline file in it");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse(errno == ENOENT ? "there is no such file" : std::string("cannot be read: ") + std::strerror(errno));
  std::string text(most_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) refuse(std::string("cannot be read: ") + std::strerror(errno));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > most_bytes) refuse("larger than 256 KiB: this is no pipeline file");
  return text;
}

/// The checks of one file: what is read, and the faults found so far.
class Checker {
 public:
  Checker(YamlDocument& document, std::vector<Fault>& faults, const StageCatalog& catalog)
      : document_(document), faults_(faults), catalog_(catalog), names_(catalog.names()) {}

  void check(const std::map<std::string, std::string>& overrides) {
    Json& root = document_.root;
    const Variables variables(document_, overrides, faults_);
    if (root.contains(ranks_per_scan)) {
      root[ranks_per_scan] =
          variables.substitute(root[ranks_per_scan], Pointer() / ranks_per_scan, document_, written_, faults_);
    }
    add(check_schema(Json::parse(pipeline_schema), root, Pointer(), "key"));
    if (!root.is_object()) return;
    root["variables"] = variables.values();
    if (!root.contains("stages") || !root["stages"].is_array()) return;
    for (std::size_t i = 0; i < root["stages"].size(); ++i) {
      if (root["stages"][i].is_object()) check_stage(root["stages"][i], Pointer("/stages") / i, variables);
    }
    give_ids(root["stages"]);
  }

  /// What the program is to exit with: a catalog's error is its own kind only if nothing else is wrong.
  ErrorCode code() const { return catalog_faults_ == faults_.size() ? catalog_code_ : ErrorCode::usage; }

 private:
  void add(const std::vector<SchemaFault>& found) {
    for (const SchemaFault& fault : found) {
      const std::string where = fault.pointer.to_string();
      if (document_.unusable.count(where)) continue;  // no more than one fault for one value
      const auto source = written_.find(where);
      const std::string origin = source == written_.end() ? "" : fmt::format(" (from '{}')", source->second);
      faults_.push_back({document_.place(fault.pointer, fault.spot), where, fault.text + origin});
    }
  }

  void add(const Pointer& pointer, std::string text) {
    faults_.push_back({document_.place(pointer, Spot::value), pointer.to_string(), std::move(text)});
  }

  void check_stage(Json& entry, const Pointer& at, const Variables& variables) {
    if (!entry.contains("params") || entry["params"].is_null()) entry["params"] = Json::object();
    Json& params = entry["params"];
    params = variables.substitute(params, at / "params", document_, written_, faults_);
    if (!entry.contains("stage") || !entry["stage"].is_string()) return;
    const std::string stage = entry["stage"];
    if (std::find(names_.begin(), names_.end(), stage) == names_.end()) {
      const std::string nearest = nearest_name(stage, names_);
      add(at / "stage", fmt::format("unknown stage '{}'; {}", stage,
                                    nearest.empty() ? fmt::format("there are: {}", fmt::join(names_, ", "))
                                                    : fmt::format("did you mean '{}'?", nearest)));
      return;
    }
    if (!params.is_object()) return;
    try {
      add(check_schema(catalog_.parameters_schema(stage), params, at / "params", "parameter"));
    } catch (const Error& error) {
      add(at / "stage", fmt::format("stage '{}': {}", stage, error.what()));
      catalog_code_ = error.code();
      ++catalog_faults_;
    }
  }

  /// Gives those entries an id that have none.
  void give_ids(Json& stages) {
    std::map<std::string, std::size_t> owners;
    for (std::size_t i = 0; i < stages.size(); ++i) {
      if (!stages[i].is_object() || !stages[i].contains("id") || !stages[i]["id"].is_string()) continue;
      const auto [owner, is_new] = owners.emplace(stages[i]["id"], i);
      if (is_new) continue;
      const Pointer first = Pointer("/stages") / owner->second / "id";
      add(Pointer("/stages") / i / "id", fmt::format("the id '{}' is taken; first at line {}", owner->first,
                                                     document_.place(first, Spot::value).line));
    }
    for (std::size_t i = 0; i < stages.size(); ++i) {
      if (!stages[i].is_object() || stages[i].contains("id")) continue;
      const Json stage = stages[i].value("stage", Json());
      if (!stage.is_string()) continue;
      std::string id = stage;
      for (int n = 2; !owners.emplace(id, i).second; ++n) id = fmt::format("{}_{}", stage.get<std::string>(), n);
      stages[i]["id"] = id;
    }
  }

  YamlDocument& document_;
  std::vector<Fault>& faults_;
  const StageCatalog& catalog_;
  std::vector<std::string> names_;
  std::map<std::string, std::string> written_;  ///< by pointer, the texts that held variables
  std::size_t catalog_faults_ = 0;
  ErrorCode catalog_code_ = ErrorCode::usage;
};

}  // namespace

Pipeline load_pipeline(const std::string& path, const std::map<std::string, std::string>& overrides,
                       const StageCatalog& catalog) {
  return parse_pipeline(read_text(path), path, overrides, catalog);
}

Pipeline parse_pipeline(const std::string& text, const std::string& name,
                        const std::map<std::string, std::string>& overrides, const StageCatalog& catalog) {
  std::vector<Fault> faults;
  YamlDocument document = parse_yaml(text, faults);
  ErrorCode code = ErrorCode::usage;
  if (document.readable) {
    Checker checker(document, faults, catalog);
    checker.check(overrides);
    code = checker.code();
  }
  if (!faults.empty()) throw Error(code, fault_report(name, std::move(faults)));

  Pipeline pipeline;
  pipeline.name = document.root["name"];
  pipeline.file = name;
  if (document.root.value("on_error", "stop") == "skip") pipeline.on_error = OnError::skip;
  if (const Json each = document.root.value(ranks_per_scan, Json("all")); each.is_number())
    pipeline.ranks_per_scan = each;
  for (const Json& entry : document.root["stages"]) {
    pipeline.stages.push_back({entry["stage"], entry["id"], entry["params"]});
  }
  pipeline.resolved = std::move(document.root);
  return pipeline;
}

}  // namespace ptychoflow::host
