#include "core/io/checksum.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "core/base/error.hpp"

namespace ptychoflow::io {

Checksum checksum_of(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const auto fail = [&](int reason) {
    if (descriptor >= 0) ::close(descriptor);
    throw Error(ErrorCode::data, fmt::format("{}: cannot be read: {}", file.string(), std::strerror(reason)));
  };
  if (descriptor < 0) fail(errno);
  std::vector<unsigned char> block(std::size_t{1} << 20);
  Checksum sum;
  uLong crc = ::crc32(0, nullptr, 0);
  for (;;) {
    const ssize_t count = ::read(descriptor, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno);
    if (count == 0) break;
    crc = ::crc32(crc, block.data(), static_cast<uInt>(count));
    sum.bytes += count;
  }
  ::close(descriptor);
  sum.crc = static_cast<std::int64_t>(crc);
  return sum;
}

std::int64_t crc_of(const void* data, std::size_t bytes) {
  return static_cast<std::int64_t>(::crc32_z(::crc32(0, nullptr, 0), static_cast<const Bytef*>(data), bytes));
}

}  // namespace ptychoflow::io
