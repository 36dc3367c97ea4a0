// The stages there are: found in folders, opened on demand, checked before use.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "plugin/api/stage.h"
#include "plugin/host/pipeline.hpp"

namespace ptychoflow::host {

/// A stage's shared object, opened and checked. It stays open to the end of the process: threads or exit handlers of
/// its libraries may still be about when the last instance is gone.
struct LoadedStage {
  std::string file;
  const ptychoflow_stage_descriptor* descriptor = nullptr;
  Json parameters_schema;
  std::vector<std::string> consumes;
  std::vector<std::string> produces;
};

/// Stages by name: `ptychoflow_stage_<name>.so` in the first folder that has one.
class StageLibrary : public StageCatalog {
 public:
  explicit StageLibrary(std::vector<std::string> folders);

  /// A stage of the calling program's own, which comes before one of that name in the folders.
  /// @throws Error (resource) as `load` does
  void add(const ptychoflow_stage_descriptor* descriptor);

  std::vector<std::string> names() const override;
  Json parameters_schema(const std::string& name) const override;

  /// @throws Error (usage) if there is no such stage; Error (resource), naming the file and the reason, if it cannot be
  ///         opened or is not what this program can run
  const LoadedStage& load(const std::string& name) const;

 private:
  std::vector<std::string> folders_;
  std::map<std::string, std::string> files_;  // by name
  mutable std::map<std::string, LoadedStage> loaded_;
};

}  // namespace ptychoflow::host
