// Where things lie, found from where the program itself lies, so that an installation can be moved.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ptychoflow::host {

/// Folders that may hold stages, first come first served: those of PTYCHOFLOW_STAGE_PATH (colon separated), then the
/// one of the installation, or of the build tree, which has the same layout.
/// @throws Error (other) if the system does not tell where the program is
std::vector<std::string> stage_folders();

/// The same where another program is running, and `installed` is that folder.
std::vector<std::string> stage_folders(const std::filesystem::path& installed);

}  // namespace ptychoflow::host
