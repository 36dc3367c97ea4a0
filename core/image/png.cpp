#include "core/image/png.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <png.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "core/base/error.hpp"

namespace ptychoflow::image {
namespace {

/// A file that vanishes unless it is kept.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target)
      : target_(target), name_(target.parent_path() / fmt::format(".{}.tmp-{}", target.filename().string(), getpid())) {
    descriptor_ = open(name_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail(errno);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!kept_) unlink(name_.c_str());
  }

  void write(const unsigned char* bytes, std::size_t count) {
    while (count > 0) {
      const ssize_t written = ::write(descriptor_, bytes, count);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail(errno);
      bytes += written;
      count -= static_cast<std::size_t>(written);
    }
  }

  void keep() {
    if (fsync(descriptor_) != 0) fail(errno);
    const int closed = close(descriptor_);
    descriptor_ = -1;
    if (closed != 0) fail(errno);
    if (rename(name_.c_str(), target_.c_str()) != 0) fail(errno);
    kept_ = true;
  }

 private:
  [[noreturn]] void fail(int error) const {
    throw Error(ErrorCode::resource,
                fmt::format("the picture '{}' cannot be written: {}; check the folder, its rights and the free space",
                            target_.string(), std::strerror(error)));
  }

  std::filesystem::path target_;
  std::string name_;
  int descriptor_ = -1;
  bool kept_ = false;
};

static_assert(sizeof(Rgb) == 3, "pixels are passed to libpng as they lie");

}  // namespace

std::vector<unsigned char> png_bytes(const Canvas& picture) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(picture.width());
  header.height = static_cast<png_uint_32>(picture.height());
  header.format = PNG_FORMAT_RGB;
  std::vector<unsigned char> bytes(PNG_IMAGE_PNG_SIZE_MAX(header));
  png_alloc_size_t size = bytes.size();
  if (!png_image_write_to_memory(&header, bytes.data(), &size, 0, picture.data(), 0, nullptr)) {
    throw Error(ErrorCode::other, fmt::format("libpng cannot encode a picture of {} × {} pixels: {}", picture.width(),
                                              picture.height(), header.message));
  }
  bytes.resize(size);
  return bytes;
}

void write_png(const std::filesystem::path& path, const Canvas& picture) {
  const std::vector<unsigned char> bytes = png_bytes(picture);
  TemporaryFile file(path);
  file.write(bytes.data(), bytes.size());
  file.keep();
}

}  // namespace ptychoflow::image
