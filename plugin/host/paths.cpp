#include "plugin/host/paths.hpp"

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "core/base/error.hpp"

namespace ptychoflow::host {

std::vector<std::string> stage_folders() {
  std::error_code failure;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", failure);
  if (failure) throw Error(ErrorCode::other, "cannot find where the program is: /proc/self/exe: " + failure.message());
  // <prefix>/bin/ptychoflow → <prefix>/lib/ptychoflow/stages
  return stage_folders(program.parent_path().parent_path() / PTYCHOFLOW_STAGE_DIR);
}

std::vector<std::string> stage_folders(const std::filesystem::path& installed) {
  std::vector<std::string> folders;
  if (const char* path = std::getenv("PTYCHOFLOW_STAGE_PATH")) {
    std::istringstream entries(path);
    for (std::string folder; std::getline(entries, folder, ':');) {
      if (!folder.empty()) folders.push_back(folder);
    }
  }
  folders.push_back(installed.string());
  return folders;
}

}  // namespace ptychoflow::host
