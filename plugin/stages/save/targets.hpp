// Where a result goes: the file and its pictures.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/io/atomic_file.hpp"

namespace ptychoflow::save {

/// Names of all files of one result.
struct Targets {
  std::filesystem::path result;
  std::filesystem::path object_phase, object_amplitude, probe, convergence;

  std::vector<std::filesystem::path> pictures() const { return {object_phase, object_amplitude, probe, convergence}; }

  /// The parameter `file` with {scan} replaced; what cannot be part of a file name becomes '_'.
  /// @throws Error (usage) if {scan} is needed and `scan` is empty
  static Targets of(const std::string& file, const std::string& scan);
};

enum class Pictures { none, drawn };

/// Checks that everything can be written. @throws what io::check_target throws
void check_targets(const Targets& targets, Pictures pictures, io::Overwrite overwrite);

}  // namespace ptychoflow::save
