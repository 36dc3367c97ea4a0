// Files that may still be growing.
#pragma once

#include <filesystem>

namespace ptychoflow::io {

/// How a file is opened that is to be read.
enum class Access {
  finished,  ///< nobody writes it
  growing,   ///< another program may be appending to it (HDF5's SWMR): what is there when it is opened is read
};

/// Whether a program has the HDF5 file open for appending, or died while it had; false if the file does not tell.
bool is_being_written(const std::filesystem::path& path);

}  // namespace ptychoflow::io
