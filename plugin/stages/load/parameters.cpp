#include "plugin/stages/load/parameters.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "core/base/error.hpp"
#include "core/io/scan_file_name.hpp"
#include "plugin/api/scan_files.hpp"

namespace ptychoflow::load {

namespace {

using Json = nlohmann::json;

template <class T>
std::optional<T> optional(const Json& params, const char* name) {
  if (!params.contains(name)) return {};
  return params[name].get<T>();
}

/// One number for both, or [y, x].
template <class T>
std::optional<std::array<T, 2>> pair(const Json& params, const char* name) {
  if (!params.contains(name)) return {};
  const Json& value = params[name];
  if (value.is_array()) return std::array<T, 2>{value.at(0).get<T>(), value.at(1).get<T>()};
  return std::array<T, 2>{value.get<T>(), value.get<T>()};
}

/// The scans of `file` or `files`.
std::vector<io::ScanFile> scans_of(const Json& params) {
  if (params.contains("file") == params.contains("files")) {
    throw Error(ErrorCode::usage,
                "give file (one scan) or files (a pattern, a list or a table of several), and not both");
  }
  if (params.contains("file")) return {{params["file"].get<std::string>(), optional<double>(params, "rotation_deg")}};
  if (params.contains("rotation_deg")) {
    throw Error(ErrorCode::usage, "rotation_deg is one scan's: give the angles in files, each with its file");
  }
  return stage::scan_files(params["files"]);
}

/// Leaves out scans whose results are there. @return how many
std::size_t leave_out_done(const std::string& result, std::vector<io::ScanFile>& scans) {
  if (!io::names_scan(result) && scans.size() > 1) {
    throw Error(ErrorCode::usage, "skip_if_exists: '" + result + "' is the same for all scans: put {scan} into it");
  }
  const std::size_t all = scans.size();
  std::erase_if(
      scans, [&](const io::ScanFile& scan) { return std::filesystem::exists(io::file_of_scan(result, scan.name())); });
  if (scans.empty()) {
    throw Error(
        ErrorCode::usage,
        fmt::format("skip_if_exists: nothing is left to do: '{}' is there for all scans, {} of them; remove what "
                    "is to be made again",
                    result, all));
  }
  return all - scans.size();
}

/// What needs to know the whole scan before it is read.
void check_follow(const Json& params, const Parameters& p) {
  const auto refuse = [](const char* what) { throw Error(ErrorCode::usage, fmt::format("follow: {}", what)); };
  if (params.contains("files")) refuse("it is for one scan: give file");
  if (params.contains("frames")) refuse("frames come in their order, all of them: leave frames out");
  if (p.find_orientation) refuse("positions: auto needs the whole scan: give swap_xy, flip_x and flip_y");
  if (params.value("distribution", "auto") == "spatial")
    refuse("ranks take frames in turn, as they come: leave distribution out");
}

}  // namespace

Parameters read_parameters(const Json& params) {
  Parameters p;
  p.scans = scans_of(params);
  if (params.contains("skip_if_exists"))
    p.left_out = leave_out_done(params["skip_if_exists"].get<std::string>(), p.scans);
  p.format = io::format_named(params.value("format", "auto"));
  p.links_within = params.value("links_within", "");
  const Json frames = params.value("frames", Json::object());
  p.first = frames.value("first", p.first);
  p.last = optional<Index>(frames, "last");
  p.step = frames.value("step", p.step);
  p.frame_size = pair<Index>(params, "frame_size");
  if (params.contains("center") && !params["center"].is_string()) p.center = pair<Index>(params, "center");
  p.padding = params.value("pad", false) ? io::Padding::allow : io::Padding::refuse;
  const Json given = params.value("positions", Json::object());
  const Json positions = given.is_object() ? given : Json::object();
  p.find_orientation = given == "auto" || positions.value("axes", "") == "auto";
  p.positions_file = positions.value("file", "");
  p.positions_dataset = positions.value("dataset", "");
  p.swap_xy = positions.value("swap_xy", p.swap_xy);
  p.flip_x = positions.value("flip_x", p.flip_x);
  p.flip_y = positions.value("flip_y", p.flip_y);
  p.scale = positions.value("scale", p.scale);
  p.saturation = optional<double>(params, "saturation");
  p.dark = params.value("dark", "none") == "file" ? Dark::from_file : Dark::none;
  p.block_frames = params.value("block_frames", p.block_frames);
  p.sharing = ptycho::sharing_called(params.value("distribution", "auto"));
  p.energy_keV = optional<double>(params, "energy_keV");
  p.distance_m = optional<double>(params, "distance_m");
  if (auto um = pair<double>(params, "detector_pixel_um")) p.detector_pixel_m = {(*um)[0] * 1e-6, (*um)[1] * 1e-6};

  if (const auto f = params.find("follow"); f != params.end()) {
    p.follow = {optional<Index>(*f, "frames"), f->value("timeout_s", Follow{}.timeout_s)};
    check_follow(params, p);
  }
  if (!p.positions_file.empty() && p.scans.size() > 1) {
    throw Error(ErrorCode::usage, "positions: file is one scan's: reconstruct each scan in a run of its own");
  }
  if (p.find_orientation && (p.swap_xy || p.flip_x || p.flip_y)) {
    throw Error(ErrorCode::usage, "positions: axes: auto finds out swap_xy, flip_x and flip_y: leave them out");
  }
  if (p.center && !p.frame_size) {
    throw Error(ErrorCode::usage, "center is used with frame_size only: give frame_size too, or leave center out");
  }
  if (p.last && *p.last < p.first) {
    throw Error(ErrorCode::usage,
                fmt::format("frames: last ({}) is before first ({}), so no frame is left", *p.last, p.first));
  }
  return p;
}

}  // namespace ptychoflow::load
