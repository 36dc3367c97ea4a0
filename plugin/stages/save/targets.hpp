// Where a result goes: the file, its pictures, its report and files for other programs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/io/result_file.hpp"

namespace ptychoflow::save {

/// A file that another program reads.
struct Format {
  std::string name;  ///< in the parameter `formats`
  const char* suffix;
  void (*write)(const std::filesystem::path&, const io::ResultFile&, io::Overwrite);
};

/// @throws Error (usage) if there is none of this name
const Format& format_named(const std::string& name);

/// Names of all files of one result.
struct Targets {
  std::filesystem::path result;
  std::filesystem::path object_phase, object_amplitude, probe, convergence;
  std::filesystem::path report;

  /// The result's name with the format's suffix in place of its extension.
  std::filesystem::path in(const Format& format) const;

  std::vector<std::filesystem::path> pictures() const { return {object_phase, object_amplitude, probe, convergence}; }

  /// The parameter `file` with {scan} replaced; what cannot be part of a file name becomes '_'.
  /// @throws Error (usage) if {scan} is needed and `scan` is empty
  static Targets of(const std::string& file, const std::string& scan);

  /// The same for what is to be looked at until the result is there: _preview is put into the names.
  Targets of_preview() const;
};

/// What is written beside the result.
struct Companions {
  std::vector<Format> formats;
  bool pictures = true;
  bool report = false;
};

/// Checks that everything can be written. @throws what io::check_target throws; Error (usage) if the result has the
/// name of a file in one of the formats
void check_targets(const Targets& targets, const Companions& wanted, io::Overwrite overwrite);

}  // namespace ptychoflow::save
