#include "core/io/tiff_stack.hpp"

#include <fmt/format.h>
#include <tiffio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "core/base/error.hpp"
#include "core/base/version.hpp"

namespace ptychoflow::io {

namespace fs = std::filesystem;

namespace {

constexpr Index classic_limit_bytes = Index{4000} << 20;  // offsets are 32 bits in a TIFF that is not a BigTIFF
constexpr Index strip_bytes = Index{1} << 20;

[[noreturn]] void refuse(const fs::path& file) {
  throw Error(ErrorCode::resource, fmt::format("{}: cannot be written: {}", file.string(),
                                               errno ? std::strerror(errno) : "libtiff refuses it"));
}

struct CloseTiff {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};

void write_tiff(const fs::path& shown, const fs::path& file, View<const float, 2> picture, double pixel_size_m) {
  TIFFSetErrorHandler(nullptr);  // we say ourselves what went wrong
  TIFFSetWarningHandler(nullptr);
  errno = 0;
  const Index height = picture.extent(0), width = picture.extent(1);
  const Index row_bytes = width * static_cast<Index>(sizeof(float));
  const std::unique_ptr<TIFF, CloseTiff> tiff(
      TIFFOpen(file.c_str(), height * row_bytes > classic_limit_bytes ? "w8" : "w"));
  if (!tiff) refuse(shown);
  const auto rows = static_cast<std::uint32_t>(std::clamp<Index>(strip_bytes / row_bytes, 1, height));
  TIFFSetField(tiff.get(), TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(width));
  TIFFSetField(tiff.get(), TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(height));
  TIFFSetField(tiff.get(), TIFFTAG_BITSPERSAMPLE, 32);
  TIFFSetField(tiff.get(), TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP);
  TIFFSetField(tiff.get(), TIFFTAG_SAMPLESPERPIXEL, 1);
  TIFFSetField(tiff.get(), TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  TIFFSetField(tiff.get(), TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff.get(), TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  TIFFSetField(tiff.get(), TIFFTAG_ROWSPERSTRIP, rows);
  TIFFSetField(tiff.get(), TIFFTAG_SOFTWARE, fmt::format("ptychoflow {}", version).c_str());
  if (pixel_size_m > 0) {
    TIFFSetField(tiff.get(), TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER);
    TIFFSetField(tiff.get(), TIFFTAG_XRESOLUTION, 0.01 / pixel_size_m);
    TIFFSetField(tiff.get(), TIFFTAG_YRESOLUTION, 0.01 / pixel_size_m);
  }
  std::uint32_t strip = 0;
  for (Index y = 0; y < height; y += rows, ++strip) {
    const Index bytes = std::min<Index>(rows, height - y) * row_bytes;
    // libtiff takes a pointer to mutable data, but changes it only to swap bytes, which is not asked for.
    auto* data = const_cast<float*>(picture[y].data());
    if (TIFFWriteEncodedStrip(tiff.get(), strip, data, bytes) != bytes) refuse(shown);
  }
  if (TIFFWriteDirectory(tiff.get()) != 1) refuse(shown);  // closing would not tell
}

bool is_picture(const fs::directory_entry& entry) {
  return entry.is_regular_file() && entry.path().extension() == ".tif";
}

}  // namespace

void check_stack_target(const fs::path& folder, Overwrite overwrite) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    if (fs::exists(folder, ignored)) {
      throw Error(ErrorCode::usage,
                  fmt::format("{}: a folder for TIFF pictures cannot be made: a file has this name", folder.string()));
    }
    check_target(folder, overwrite);
    return;
  }
  if (overwrite == Overwrite::refuse) {
    throw Error(ErrorCode::usage,
                fmt::format("{}: is already there: name another file, or set overwrite: true", folder.string()));
  }
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (is_picture(entry)) continue;
    throw Error(ErrorCode::usage,
                fmt::format("{}: will not be replaced, since it holds more than TIFF pictures ({}): move that, or name "
                            "another file",
                            folder.string(), entry.path().filename().string()));
  }
}

TiffStack::TiffStack(fs::path folder, std::string name, double pixel_size_m, Overwrite overwrite)
    : folder_(std::move(folder)), name_(std::move(name)), pixel_size_m_(pixel_size_m), overwrite_(overwrite) {
  check_stack_target(folder_, overwrite_);
  temporary_ = folder_.parent_path() / fmt::format(".{}.tmp-{}", folder_.filename().string(), ::getpid());
  std::error_code fault;
  fs::create_directory(temporary_, fault);
  if (fault) {
    throw Error(ErrorCode::resource,
                fmt::format("{}: the folder cannot be made: {}", folder_.string(), fault.message()));
  }
}

TiffStack::~TiffStack() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(temporary_, ignored);
}

void TiffStack::write(Index index, View<const float, 2> picture) {
  expect(!picture.empty() && index >= 0, "a TIFF picture without pixels or number");
  const std::string file = fmt::format("{}_{:04}.tif", name_, index);
  write_tiff(folder_ / file, temporary_ / file, picture, pixel_size_m_);
}

void TiffStack::commit() {
  check_stack_target(folder_, overwrite_);
  std::error_code fault;
  if (fs::exists(folder_)) {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (!fault) fs::remove(entry.path(), fault);
    }
  }
  if (!fault) fs::rename(temporary_, folder_, fault);  // an empty folder of this name is replaced
  if (fault) {
    throw Error(ErrorCode::resource, fmt::format("{}: the finished pictures cannot be given this name: {}",
                                                 folder_.string(), fault.message()));
  }
  committed_ = true;
}

}  // namespace ptychoflow::io
