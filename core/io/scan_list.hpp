// Lists of a run's scans, as users give them: a pattern of file names, or a table of files and angles.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ptychoflow::io {

struct ScanFile {
  std::string file;
  std::optional<double> rotation_deg;  ///< of the sample; none: not known

  /// The scan's name: the file's, without folder and suffix.
  std::string name() const;
};

/// Files by name, where numbers count as numbers: scan_9 before scan_10.
/// @throws Error (usage) if a pattern (* and ?) matches nothing
std::vector<ScanFile> matching_scans(const std::string& pattern);

/// A text file with a scan and its angle in degrees on each line, relative names relative to the table's folder, and
/// comments after #.
/// @throws Error (data) for a table that is missing, empty or has another line
std::vector<ScanFile> scans_of_table(const std::string& table);

/// @throws Error (usage) if two scans have one name
void require_distinct_names(const std::vector<ScanFile>& scans);

}  // namespace ptychoflow::io
