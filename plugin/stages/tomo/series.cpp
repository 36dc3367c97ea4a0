#include "plugin/stages/tomo/series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/units.hpp"
#include "core/tomo/angles.hpp"

namespace ptychoflow::tomo_stage {
namespace {

using stage::Json;
using stage::Packet;

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorCode::data, "tomo: " + text); }

/// Angles modulo a turn must differ.
void check_doubles(const std::vector<double>& angle_deg) {
  std::vector<std::pair<double, std::size_t>> turned;
  for (std::size_t i = 0; i < angle_deg.size(); ++i)
    turned.emplace_back(angle_deg[i] - 360 * std::floor(angle_deg[i] / 360), i);
  std::sort(turned.begin(), turned.end());
  turned.emplace_back(turned.front().first + 360, turned.front().second);
  for (std::size_t i = 1; i < turned.size(); ++i) {
    if (turned[i].first - turned[i - 1].first >= 1e-6) continue;
    const auto [a, b] = std::minmax(turned[i - 1].second, turned[i].second);
    fail(fmt::format("projections {} and {} have the same angle, {} and {}°: take one of them out of the series", a, b,
                     angle_deg[a], angle_deg[b]));
  }
}

void check_angles(const std::vector<double>& angle_deg) {
  if (angle_deg.size() < 3)
    fail(fmt::format("{} projections are too few: a slice needs at least 3 angles", angle_deg.size()));
  for (std::size_t i = 0; i < angle_deg.size(); ++i) {
    if (!std::isfinite(angle_deg[i])) fail(fmt::format("the angle of projection {} is not a number", i));
  }
  if (tomo::look_like_radians(angle_deg)) {
    const auto [least, most] = std::minmax_element(angle_deg.begin(), angle_deg.end());
    fail(fmt::format("angles from {:.4g} to {:.4g} look like radians: set them in degrees", *least, *most));
  }
  check_doubles(angle_deg);
}

void check_values(const char* name, View<const float, 3> projections) {
  for (Index a = 0; a < projections.extent(0); ++a) {
    const auto one = projections[a];
    const auto* bad = std::find_if(one.begin(), one.end(), [](float v) { return !std::isfinite(v); });
    if (bad == one.end()) continue;
    const Index at = bad - one.begin();
    fail(
        fmt::format("{}: projection {} has a value that is not a finite number, at y = {}, x = {}: leave that "
                    "projection out, or look into the stage that made it",
                    name, a, at / one.extent(1), at % one.extent(1)));
  }
}

double number_in(const Json& metadata, const char* key, const char* remedy) {
  if (!metadata.contains(key) || !metadata[key].is_number())
    fail(fmt::format("the projections came without {}: {}", key, remedy));
  return metadata[key].get<double>();
}

}  // namespace

Series series_of(const Packet& packet) {
  const auto projections = packet.at("projections").view<const float, 3>();
  const auto degrees = packet.at("projection_deg").view<const double, 1>();
  Series s;
  s.angle_deg.assign(degrees.begin(), degrees.end());
  s.height = projections.extent(1), s.width = projections.extent(2);
  if (degrees.size() != projections.extent(0))
    fail(fmt::format("{} projections came with {} angles", projections.extent(0), degrees.size()));
  if (s.height < 1 || s.width < 2)
    fail(fmt::format("projections of {} × {} pixels cannot be reconstructed", s.height, s.width));
  check_angles(s.angle_deg);
  s.axis_px = number_in(packet.metadata, "rotation_axis_px", "put the stage align before this one");
  s.wavelength_m = number_in(packet.metadata, "wavelength_m", "set it where the scans are loaded");
  const Json pixel = packet.metadata.value("pixel_size_m", Json());
  if (!pixel.is_array() || pixel.size() != 2 || !pixel[0].is_number() || !pixel[1].is_number())
    fail("the projections came without pixel_size_m [y, x]: set it where the scans are loaded");
  s.pixel_size_m = {pixel[0].get<double>(), pixel[1].get<double>()};
  if (!(s.wavelength_m > 0) || !(s.pixel_size_m[0] > 0) || !(s.pixel_size_m[1] > 0))
    fail("wavelength_m and pixel_size_m must be above zero");
  if (std::abs(s.pixel_size_m[0] - s.pixel_size_m[1]) > 1e-3 * s.pixel_size_m[1]) {
    fail(fmt::format(
        "pixels of {:.6g} × {:.6g} m (y, x) are not square, and voxels must be cubes: reconstruct the scans "
        "with a square frame_size",
        s.pixel_size_m[0], s.pixel_size_m[1]));
  }
  if (!std::isfinite(s.axis_px) || s.axis_px < 0 || s.axis_px > static_cast<double>(s.width - 1))
    fail(fmt::format("the rotation axis at x = {} is not in the projections, which are {} pixels wide", s.axis_px,
                     s.width));
  check_values("projections", projections);
  s.has_absorption = packet.has("absorption_projections");
  if (s.has_absorption) {
    const auto absorption = packet.at("absorption_projections").view<const float, 3>();
    if (absorption.extents() != projections.extents())
      fail("absorption_projections have another shape than projections");
    check_values("absorption_projections", absorption);
  }
  return s;
}

std::string doubt_about(const Series& series) {
  const double enough = pi / 2 * static_cast<double>(series.width) / 4;
  if (static_cast<double>(series.angles()) >= enough) return "";
  return fmt::format(
      "{} projections are few for {} pixels of width: expect streaks (detail to the pixel takes some {:.0f}; sirt with "
      "positivity does with fewer)",
      series.angles(), series.width, pi / 2 * static_cast<double>(series.width));
}

std::string to_text(const Series& s) {
  return Json{{"angle_deg", s.angle_deg},          {"axis_px", s.axis_px}, {"wavelength_m", s.wavelength_m},
              {"pixel_size_m", s.pixel_size_m},    {"height", s.height},   {"width", s.width},
              {"has_absorption", s.has_absorption}}
      .dump();
}

Series series_from(const std::string& text) {
  const Json j = Json::parse(text);
  return {j.at("angle_deg").get<std::vector<double>>(),
          j.at("axis_px"),
          j.at("wavelength_m"),
          j.at("pixel_size_m").get<std::array<double, 2>>(),
          j.at("height"),
          j.at("width"),
          j.at("has_absorption")};
}

}  // namespace ptychoflow::tomo_stage
