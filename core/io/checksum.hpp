// Knowing whether a file is what was written.
#pragma once

#include <cstdint>
#include <filesystem>

namespace ptychoflow::io {

/// Length and CRC-32 of a file.
struct Checksum {
  std::int64_t bytes = 0;
  std::int64_t crc = 0;
  friend bool operator==(const Checksum&, const Checksum&) = default;
};

/// @throws Error (data) if the file is not there or cannot be read
Checksum checksum_of(const std::filesystem::path& file);

/// CRC-32 of bytes in memory.
std::int64_t crc_of(const void* data, std::size_t bytes);

}  // namespace ptychoflow::io
