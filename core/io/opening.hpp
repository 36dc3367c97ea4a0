// How a scan's file is opened: it may still be growing, and may link to others.
#pragma once

#include <filesystem>

namespace ptychoflow::io {

/// How a file is opened that is to be read.
enum class Access {
  finished,  ///< nobody writes it
  growing,   ///< another program may be appending to it (HDF5's SWMR): what is there when it is opened is read
};

struct Opening {
  Access access = Access::finished;
  std::filesystem::path links_within{};  ///< the folder below which files must lie that it links to; empty: anywhere
};

/// Whether a program has the HDF5 file open for appending, or died while it had; false if the file does not tell.
bool is_being_written(const std::filesystem::path& path);

}  // namespace ptychoflow::io
