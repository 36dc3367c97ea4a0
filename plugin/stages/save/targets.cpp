#include "plugin/stages/save/targets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/base/error.hpp"
#include "core/io/ptychodus_product.hpp"
#include "core/io/ptypy_result.hpp"
#include "core/io/pynx_result.hpp"
#include "core/io/scan_file_name.hpp"

namespace ptychoflow::save {

const Format& format_named(const std::string& name) {
  static const std::array<Format, 3> all{{{"pynx", ".pynx.cxi", io::write_pynx},
                                          {"ptychodus", ".ptychodus.h5", io::write_ptychodus},
                                          {"ptypy", ".ptyr", io::write_ptypy}}};
  const auto found = std::find_if(all.begin(), all.end(), [&](const Format& format) { return format.name == name; });
  if (found == all.end()) throw Error(ErrorCode::usage, fmt::format("save: formats: there is no format '{}'", name));
  return *found;
}

namespace {

Targets beside(const std::filesystem::path& result) {
  const auto picture = [&](const char* what) {
    return result.parent_path() / (result.stem().string() + "_" + what + ".png");
  };
  return {result,           picture("object_phase"), picture("object_amplitude"),
          picture("probe"), picture("convergence"),  result.parent_path() / (result.stem().string() + ".html")};
}

}  // namespace

Targets Targets::of(const std::string& file, const std::string& scan) { return beside(io::file_of_scan(file, scan)); }

Targets Targets::of_preview() const {
  return beside(result.parent_path() / (result.stem().string() + "_preview" + result.extension().string()));
}

std::filesystem::path Targets::in(const Format& format) const {
  return result.parent_path() / (result.stem().string() + format.suffix);
}

void check_targets(const Targets& targets, const Companions& wanted, io::Overwrite overwrite) {
  io::check_target(targets.result, overwrite);
  const auto check = [&](const std::filesystem::path& file, const std::string& what) {
    if (file == targets.result) {
      throw Error(ErrorCode::usage,
                  fmt::format("save: file: {} is also the name of the {}: give the result another extension",
                              targets.result.string(), what));
    }
    io::check_target(file, overwrite);
  };
  for (const Format& format : wanted.formats) check(targets.in(format), "file for " + format.name);
  if (wanted.report) check(targets.report, "report");
  if (!wanted.pictures) return;
  for (const auto& picture : targets.pictures()) io::check_target(picture, overwrite);
}

}  // namespace ptychoflow::save
