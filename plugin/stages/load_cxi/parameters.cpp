#include "plugin/stages/load_cxi/parameters.hpp"

#include <fmt/format.h>

#include "core/base/error.hpp"

namespace ptychoflow::load_cxi {

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

}  // namespace

Parameters read_parameters(const Json& params) {
  Parameters p;
  p.scans = list_scans(params);
  const Json frames = params.value("frames", Json::object());
  p.first = frames.value("first", p.first);
  p.last = optional<Index>(frames, "last");
  p.step = frames.value("step", p.step);
  p.frame_size = pair<Index>(params, "frame_size");
  if (params.contains("center") && !params["center"].is_string()) p.center = pair<Index>(params, "center");
  p.padding = params.value("pad", false) ? io::Padding::allow : io::Padding::refuse;
  const Json positions = params.value("positions", Json::object());
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

  if (p.center && !p.frame_size) {
    throw Error(ErrorCode::usage, "center is used with frame_size only: give frame_size too, or leave center out");
  }
  if (p.last && *p.last < p.first) {
    throw Error(ErrorCode::usage,
                fmt::format("frames: last ({}) is before first ({}), so no frame is left", *p.last, p.first));
  }
  return p;
}

}  // namespace ptychoflow::load_cxi
