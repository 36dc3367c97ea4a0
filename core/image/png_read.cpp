#include "core/image/png_read.hpp"

#include <fmt/format.h>
#include <png.h>

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/base/error.hpp"

namespace ptychoflow::image {
namespace {

/// libpng's simplified reader; freed whatever happens.
struct Reader {
  png_image image{};
  Reader() { image.version = PNG_IMAGE_VERSION; }
  ~Reader() { png_image_free(&image); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

[[noreturn]] void unreadable(const std::string& path, const char* why) {
  throw Error(ErrorCode::data, fmt::format("'{}' cannot be read as a PNG image ({}): give a PNG file", path, why));
}

}  // namespace

device::Array<float, 2> read_png_grey(const std::string& path) {
  if (std::error_code ignored; !std::filesystem::is_regular_file(path, ignored)) {
    throw Error(ErrorCode::data, fmt::format("there is no image file '{}': check the path", path));
  }
  Reader reader;
  if (!png_image_begin_read_from_file(&reader.image, path.c_str())) unreadable(path, reader.image.message);
  reader.image.format = PNG_FORMAT_GRAY;
  auto grey = device::Array<float, 2>::uninitialized(
      {static_cast<Index>(reader.image.height), static_cast<Index>(reader.image.width)});
  std::vector<std::uint8_t> bytes(PNG_IMAGE_SIZE(reader.image));
  const png_color white{255, 255, 255};
  if (!png_image_finish_read(&reader.image, &white, bytes.data(), 0, nullptr)) unreadable(path, reader.image.message);
  for (Index i = 0; i < grey.size(); ++i) grey.data()[i] = static_cast<float>(bytes[static_cast<std::size_t>(i)]) / 255;
  return grey;
}

}  // namespace ptychoflow::image
