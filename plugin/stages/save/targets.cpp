#include "plugin/stages/save/targets.hpp"

#include "core/io/scan_file_name.hpp"

namespace ptychoflow::save {

Targets Targets::of(const std::string& file, const std::string& scan) {
  const std::filesystem::path result(io::file_of_scan(file, scan));
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
