// Which scans a run reads: one file, a pattern, a list, or a table of files and angles.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ptychoflow::load_cxi {

struct ScanFile {
  std::string file;
  std::optional<double> rotation_deg;  ///< of the sample; none: not known

  /// The scan's name: the file's, without folder and suffix.
  std::string name() const;
};

/// The scans of `file` or `files`, in the order in which they are to be read: a pattern's by name, where numbers count
/// as numbers, a list's and a table's as they stand. A table's relative names are relative to the table's folder.
/// @throws Error (usage) if both or none of the two are given, a pattern matches nothing, or two scans have one name;
///         (data) for a table that is missing, empty or has a line that is not `FILE ANGLE`
std::vector<ScanFile> list_scans(const nlohmann::json& params);

}  // namespace ptychoflow::load_cxi
