#include "plugin/host/first_pipeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

namespace ptychoflow::host {
namespace {

constexpr Index common_size = 256;  ///< of frames: fine enough to begin with, and soon done

/// What YAML, as JSON, reads as this text.
std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

/// A line with its reason beside it, if it has one.
std::string line(const std::string& text, const std::string& reason = {}) {
  return reason.empty() ? text + '\n' : fmt::format("{:<32}  # {}\n", text, reason);
}

/// What the file does not say, by the parameters of `load` that do.
std::vector<std::string> missing(const io::ScanHeader& h) {
  std::vector<std::string> names;
  if (!h.energy_J) names.emplace_back("energy_keV");
  if (!h.distance_m) names.emplace_back("distance_m");
  if (!h.pixel_y_m && !h.pixel_x_m) names.emplace_back("detector_pixel_um");
  if (h.translation_path.empty()) names.emplace_back("positions");
  return names;
}

/// To which size frames should be cut; none: they are fine as they are.
std::optional<Index> cut_size(const io::ScanHeader& h, const io::ScanSummary& s) {
  const bool large = std::max(h.frame_shape[0], h.frame_shape[1]) > 2 * common_size;
  if (!s.off_centre && !large) return std::nullopt;
  Index around = common_size;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto centre = static_cast<Index>(std::lround(s.centre_px[i]));
    around = std::min({around, 2 * centre, 2 * (h.frame_shape[i] - centre)});
  }
  return around >= 2 ? std::optional(around) : std::nullopt;
}

std::string remarks(const io::ScanHeader& h, const io::ScanSummary& s, const std::string& file) {
  std::string text =
      fmt::format("# {} frames of {} × {} pixels (y, x)", h.frame_count, h.frame_shape[0], h.frame_shape[1]);
  if (s.object_pixel_m) {
    text += fmt::format("; object pixel {:.3g} nm{}", (*s.object_pixel_m)[0] * 1e9,
                        cut_size(h, s) ? " if they were not cut" : "");
  }
  if (s.overlap) text += fmt::format("; neighbours overlap by {:.0f} %", 100 * *s.overlap);
  text += fmt::format(".\n#\n#   ptychoflow run {}\n", file);
  if (!s.doubts.empty()) text += "#\n# What looks wrong with the scan:\n";
  for (const auto& doubt : s.doubts) text += fmt::format("#   {}\n", doubt);
  return text;
}

std::string load_stage(const io::ScanHeader& h, const io::ScanSummary& s, const std::string& format) {
  std::string text = "  - stage: load\n    params:\n      file: \"${input}\"\n";
  if (format != "auto") text += line("      format: " + format);
  for (const auto& name : missing(h)) {
    if (name != "positions") text += line(fmt::format("      {}: \"${{{}}}\"", name, name));
  }
  if (const auto size = cut_size(h, s)) {
    text += line(fmt::format("      frame_size: {}", *size),
                 s.off_centre ? "around the centre of the light, which is not the frame's"
                              : "of the middle; more of it resolves finer detail and takes longer");
  }
  if (h.translation_path.empty()) {
    text += "      positions:\n        file: \"${positions}\"\n";
    text += line("        axes: auto", "which way round they are meant is found out; swap_xy, flip_x, flip_y say it");
  } else {
    text +=
        line("      # positions: auto", "if the object makes no sense: which way round they are meant is found out");
  }
  return text;
}

std::string reconstruct_stage(const io::ScanHeader& h, const io::ScanSummary& s) {
  std::string text =
      "  - stage: ptycho_dm\n    params:\n      iterations: \"${iterations}\"\n      probe_modes: \"${probe_modes}\"\n";
  if (h.initial_probe[0] == 0 || cut_size(h, s)) {
    text += line("      initial_probe:",
                 h.initial_probe[0] == 0 ? "the file has none" : "the file's does not fit frames that are cut");
    text += "        from_data:\n";
    text += line("          defocus_m: auto",
                 "sample from focus, positive downstream; trial runs find and print it: then give it here");
  }
  text += line("      # half_scans: true", "tells the resolution, too, and takes twice as long");
  return text;
}

}  // namespace

std::string first_pipeline(const io::ScanHeader& header, const io::ScanSummary& summary, const std::string& file,
                           const std::string& format) {
  const std::string name = std::filesystem::path(file).stem().string();
  std::string text = remarks(header, summary, file);
  text += fmt::format("name: {}\nvariables:\n  input: {}\n", quoted(name), quoted(header.file));
  for (const auto& what : missing(header)) {
    text += line(fmt::format("  {}: null", what), what == "positions"
                                                      ? "a text or HDF5 table with x and y of each frame, in m"
                                                      : "the scan's file does not say");
  }
  text += line("  output: " + quoted(name + "_result.h5"), "pictures are written beside it");
  text += line("  overwrite: false", "true replaces an earlier result");
  text += line("  iterations: 200", "until ε and R fall no more: see the picture of convergence");
  text += line("  probe_modes: 2", "incoherent modes of the beam; auto finds out how many");
  text += "stages:\n" + load_stage(header, summary, format) + reconstruct_stage(header, summary);
  text += line("  - stage: compare", "R-factor and, against a simulated scan's truth, errors");
  text += "  - stage: save\n    params:\n      file: \"${output}\"\n      overwrite: \"${overwrite}\"\n";
  text += line("      report: true", "a page for people, beside the result");
  return text;
}

}  // namespace ptychoflow::host
