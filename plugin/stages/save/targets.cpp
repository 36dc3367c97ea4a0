#include "plugin/stages/save/targets.hpp"

#include <algorithm>
#include <string_view>

#include "core/base/error.hpp"

namespace ptychoflow::save {
namespace {

constexpr std::string_view placeholder = "{scan}";

std::string file_name_part(std::string scan) {
  std::replace_if(
      scan.begin(), scan.end(), [](unsigned char c) { return c == '/' || c < ' '; }, '_');
  return scan;
}

}  // namespace

bool names_scan(const std::string& file) { return file.find(placeholder) != std::string::npos; }

Targets Targets::of(const std::string& file, const std::string& scan) {
  std::string name = file;
  if (names_scan(file) && scan.empty()) {
    throw Error(ErrorCode::usage, "save: file: " + file +
                                      " asks for the scan's name, and the scan has none: name the "
                                      "file without {scan}");
  }
  const std::string part = file_name_part(scan);
  for (auto at = name.find(placeholder); at != std::string::npos; at = name.find(placeholder, at + part.size())) {
    name.replace(at, placeholder.size(), part);
  }
  const std::filesystem::path result(name);
  const auto picture = [&](const char* what) {
    return result.parent_path() / (result.stem().string() + "_" + what + ".png");
  };
  return {result, picture("object_phase"), picture("object_amplitude"), picture("probe"), picture("convergence")};
}

void check_targets(const Targets& targets, Pictures pictures, io::Overwrite overwrite) {
  io::check_target(targets.result, overwrite);
  if (pictures == Pictures::none) return;
  for (const auto& picture : targets.pictures()) io::check_target(picture, overwrite);
}

}  // namespace ptychoflow::save
