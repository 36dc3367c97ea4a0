#include "plugin/host/stage_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "core/base/error.hpp"
#include "plugin/host/nearest_name.hpp"
#include "plugin/host/signals.hpp"

namespace ptychoflow::host {
namespace {

const std::string prefix = "ptychoflow_stage_";
const std::string suffix = ".so";

[[noreturn]] void refuse(const std::string& file, const std::string& reason) {
  throw Error(ErrorCode::resource, file + ": " + reason);
}

ptychoflow_stage_entry entry_of(const std::string& name, const std::string& file) {
  const StageCall call(name.c_str(), file.c_str(), "loading");
  void* module = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!module) {
    std::string reason = dlerror();
    if (reason.starts_with(file + ": ")) reason.erase(0, file.size() + 2);
    refuse(file,
           "cannot be opened: " + reason + "\n  (a library that it needs is missing or another version; see ldd)");
  }
  void* symbol = dlsym(module, PTYCHOFLOW_STAGE_SYMBOL);
  if (!symbol) {
    refuse(file, "is not a stage: it does not export the function " PTYCHOFLOW_STAGE_SYMBOL
                 " (see PTYCHOFLOW_STAGE in plugin/api/stage.hpp)");
  }
  return reinterpret_cast<ptychoflow_stage_entry>(symbol);
}

std::vector<std::string> list_of(const char* const* names) {
  std::vector<std::string> list;
  for (; names && *names; ++names) list.emplace_back(*names);
  return list;
}

/// Looks no further into the descriptor than what came before has made sure of.
void check(const ptychoflow_stage_descriptor* d, const std::string& name, const std::string& file) {
  if (!d) refuse(file, "its function " PTYCHOFLOW_STAGE_SYMBOL " returned NULL instead of a descriptor");
  if (d->abi_version != PTYCHOFLOW_ABI_VERSION) {
    refuse(file,
           fmt::format("was built for version {} of the stage interface; this program has version {}: rebuild the "
                       "stage with this program's headers",
                       d->abi_version, PTYCHOFLOW_ABI_VERSION));
  }
  if (d->struct_size != sizeof(ptychoflow_stage_descriptor)) {
    refuse(file, fmt::format("its descriptor is garbled: struct_size is {}, expected {}", d->struct_size,
                             sizeof(ptychoflow_stage_descriptor)));
  }
  std::vector<std::string> missing;
  const auto need = [&](bool there, const char* field) {
    if (!there) missing.emplace_back(field);
  };
  need(d->name, "name"), need(d->version, "version"), need(d->summary, "summary");
  need(d->parameters_schema, "parameters_schema");
  need(d->create, "create"), need(d->configure, "configure"), need(d->process, "process");
  need(d->finalize, "finalize"), need(d->destroy, "destroy"), need(d->last_error, "last_error");
  need(d->extension, "extension");
  if (!missing.empty()) {
    refuse(file, fmt::format("its descriptor is garbled: {} must not be NULL", fmt::join(missing, ", ")));
  }
  if (d->name != name) {
    refuse(file, fmt::format("holds stage '{}', but its file's name says '{}': rename the file to {}{}{}", d->name,
                             name, prefix, d->name, suffix));
  }
}

/// What the program keeps of a stage.
LoadedStage checked(const ptychoflow_stage_descriptor* descriptor, const std::string& name, const std::string& file) {
  check(descriptor, name, file);
  LoadedStage stage{.file = file,
                    .descriptor = descriptor,
                    .parameters_schema = {},
                    .consumes = list_of(descriptor->consumes),
                    .produces = list_of(descriptor->produces)};
  try {
    stage.parameters_schema = Json::parse(descriptor->parameters_schema);
  } catch (const Json::exception& e) {
    refuse(file, std::string("its parameters_schema is not JSON: ") + e.what());
  }
  if (!stage.parameters_schema.is_object()) refuse(file, "its parameters_schema is not a JSON object");
  return stage;
}

}  // namespace

StageLibrary::StageLibrary(std::vector<std::string> folders) : folders_(std::move(folders)) {
  for (const auto& folder : folders_) {
    std::error_code failure;  // a folder that is not there has no stages
    for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
      const std::string file = entry.path().filename().string();
      if (file.size() <= prefix.size() + suffix.size() || !file.starts_with(prefix) || !file.ends_with(suffix))
        continue;
      files_.emplace(file.substr(prefix.size(), file.size() - prefix.size() - suffix.size()), entry.path().string());
    }
  }
}

std::vector<std::string> StageLibrary::names() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : files_) names.push_back(name);
  return names;
}

Json StageLibrary::parameters_schema(const std::string& name) const { return load(name).parameters_schema; }

const LoadedStage& StageLibrary::load(const std::string& name) const {
  if (const auto known = loaded_.find(name); known != loaded_.end()) return known->second;
  const auto found = files_.find(name);
  if (found == files_.end()) {
    const std::string nearest = nearest_name(name, names());
    throw Error(ErrorCode::usage,
                fmt::format("there is no stage '{}'{}; looked in {}", name,
                            nearest.empty() ? "" : "; did you mean '" + nearest + "'?", fmt::join(folders_, ", ")));
  }
  const auto entry = entry_of(name, found->second);
  const ptychoflow_stage_descriptor* descriptor = nullptr;
  {
    const StageCall call(name.c_str(), found->second.c_str(), PTYCHOFLOW_STAGE_SYMBOL);
    descriptor = entry();
  }
  return loaded_.emplace(name, checked(descriptor, name, found->second)).first->second;
}

void StageLibrary::add(const ptychoflow_stage_descriptor* descriptor) {
  const std::string name = descriptor && descriptor->name ? descriptor->name : "";
  loaded_.insert_or_assign(name, checked(descriptor, name, "the calling program"));
  files_.insert_or_assign(name, "the calling program");
}

}  // namespace ptychoflow::host
