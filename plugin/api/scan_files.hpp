// The parameter `files` of loaders that take several scans.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/io/scan_list.hpp"

namespace ptychoflow::stage {

/// @param files  a pattern; a list of files, or of {file, rotation_deg}; or {table: FILE}
/// @return scans in the order in which they are to be read: a pattern's by name, a list's and a table's as they stand
/// @throws Error as `io::matching_scans`, `io::scans_of_table` and `io::require_distinct_names` do
inline std::vector<io::ScanFile> scan_files(const nlohmann::json& files) {
  std::vector<io::ScanFile> scans;
  if (files.is_string()) {
    scans = io::matching_scans(files.get<std::string>());
  } else if (files.is_object()) {
    scans = io::scans_of_table(files.at("table").get<std::string>());
  } else {
    for (const auto& entry : files) {
      if (entry.is_string()) {
        scans.push_back({entry.get<std::string>(), {}});
      } else {
        scans.push_back({entry.at("file").get<std::string>(), entry.at("rotation_deg").get<double>()});
      }
    }
  }
  io::require_distinct_names(scans);
  return scans;
}

}  // namespace ptychoflow::stage
