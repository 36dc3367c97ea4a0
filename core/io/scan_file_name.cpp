#include "core/io/scan_file_name.hpp"

#include <algorithm>
#include <string_view>

#include "core/base/error.hpp"

namespace ptychoflow::io {
namespace {

constexpr std::string_view placeholder = "{scan}";

}  // namespace

bool names_scan(const std::string& file) { return file.find(placeholder) != std::string::npos; }

std::string file_of_scan(std::string file, const std::string& scan) {
  if (names_scan(file) && scan.empty()) {
    throw Error(ErrorCode::usage,
                "file: " + file + " asks for the scan's name, and the scan has none: name the file without {scan}");
  }
  std::string part = scan;
  std::replace_if(
      part.begin(), part.end(), [](unsigned char c) { return c == '/' || c < ' '; }, '_');
  for (auto at = file.find(placeholder); at != std::string::npos; at = file.find(placeholder, at + part.size())) {
    file.replace(at, placeholder.size(), part);
  }
  return file;
}

}  // namespace ptychoflow::io
