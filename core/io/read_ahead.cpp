#include "core/io/read_ahead.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace ptychoflow::io {
namespace {

constexpr std::int64_t block_bytes = 1 << 18;

std::int64_t memory_to_spare() { return std::int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE) / 4; }

/// The bytes themselves are thrown away. Advice to the system (posix_fadvise) would be less work, but a system may take
/// as little of it as it likes.
void read_part(const std::stop_token& stop, int file, int part, int parts) {
  struct stat about {};
  if (fstat(file, &about) != 0) return;
  const std::int64_t first = about.st_size / parts * part;
  const std::int64_t end = part + 1 == parts ? about.st_size : about.st_size / parts * (part + 1);
  const std::int64_t last = std::min(end, first + memory_to_spare() / parts);
  std::array<char, block_bytes> block;  // on the stack: nothing here can throw
  for (std::int64_t at = first; at < last && !stop.stop_requested();) {
    const ssize_t got = pread(file, block.data(), static_cast<std::size_t>(std::min(block_bytes, last - at)), at);
    if (got <= 0) return;
    at += got;
  }
}

}  // namespace

ReadAhead::ReadAhead(std::string file, int part, int parts)
    : reader_([name = std::move(file), part, parts](const std::stop_token& stop) {
        const int descriptor = open(name.c_str(), O_RDONLY | O_CLOEXEC);
        if (descriptor < 0) return;
        read_part(stop, descriptor, part, parts);
        close(descriptor);
      }) {}

}  // namespace ptychoflow::io
