// File names in which {scan} stands for a scan's name.
#pragma once

#include <string>

namespace ptychoflow::io {

/// Does `file` need the scan's name to become a path?
bool names_scan(const std::string& file);

/// `file` with {scan} replaced; what cannot be part of a file name becomes '_'.
/// @throws Error (usage) if {scan} is needed and `scan` is empty
std::string file_of_scan(std::string file, const std::string& scan);

}  // namespace ptychoflow::io
