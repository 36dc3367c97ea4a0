#include "plugin/stages/load/scan_geometry.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/base/units.hpp"

namespace ptychoflow::load {
namespace {

/// Photon energies beyond these are taken for a wrong unit: 10 eV to 10 MeV.
constexpr double least_energy_J = 1.6e-18;
constexpr double greatest_energy_J = 1.6e-12;

/// Positions y, x of the selected frames.
std::vector<std::array<double, 2>> placed(const std::vector<std::array<double, 2>>& x_y_m, const Parameters& p,
                                          Index count) {
  std::vector<std::array<double, 2>> positions;
  for (Index j = 0; j < count; ++j) {
    auto [x, y] = x_y_m[static_cast<std::size_t>(p.first + j * p.step)];
    if (p.swap_xy) std::swap(x, y);
    positions.push_back({p.scale * (p.flip_y ? -y : y), p.scale * (p.flip_x ? -x : x)});
  }
  return positions;
}

/// The file's value. @throws Error (data) if there is none or it is not positive, naming the parameter to set instead
double pick(std::optional<double> stored, const std::string& file, const char* what, const char* parameter) {
  if (!stored) throw Error(ErrorCode::data, fmt::format("{}: does not say {}: set {}", file, what, parameter));
  io::check_positive(*stored, file, fmt::format("{} (or set {})", what, parameter));
  return *stored;
}

}  // namespace

io::ScanGeometry geometry_of(const io::ScanHeader& h, const Parameters& p, Extents<2> frame) {
  const double energy_J =
      p.energy_keV ? energy_J_from_keV(*p.energy_keV) : pick(h.energy_J, h.file, "the photon energy", "energy_keV");
  if (energy_J < least_energy_J || energy_J > greatest_energy_J) {
    throw Error(ErrorCode::data,
                fmt::format("{}: the photon energy comes to {:.3g} J, that is {:.3g} keV, which no X-ray has: CXI "
                            "stores it in J; set energy_keV",
                            h.file, energy_J, energy_J / energy_J_from_keV(1)));
  }
  io::ScanGeometry g;
  g.wavelength_m = wavelength_m_from_energy_J(energy_J);
  g.distance_m = p.distance_m ? *p.distance_m : pick(h.distance_m, h.file, "the detector's distance", "distance_m");
  g.detector_pixel_m = p.detector_pixel_m
                           ? *p.detector_pixel_m
                           : std::array{pick(h.pixel_y_m, h.file, "the detector's y_pixel_size", "detector_pixel_um"),
                                        pick(h.pixel_x_m, h.file, "the detector's x_pixel_size", "detector_pixel_um")};
  g.frame = frame;
  return g;
}

std::vector<std::array<double, 2>> positions_of(const io::ScanHeader& h, const std::optional<io::PositionTable>& table,
                                                const Parameters& p, Index count, const io::ScanGeometry& geometry) {
  if (!table && h.translation_path.empty()) {
    throw Error(ErrorCode::data, fmt::format("{}: a file of this format ({}) has no positions: give positions: {{file: "
                                             "TABLE}}",
                                             h.file, io::name_of(h.format)));
  }
  const auto& x_y_m = table ? table->x_y_m : h.translation_m;
  const std::string where = table ? table->where : fmt::format("{}: dataset {}", h.file, h.translation_path);
  if (p.follow ? static_cast<Index>(x_y_m.size()) < count : static_cast<Index>(x_y_m.size()) != h.frame_count) {
    throw Error(ErrorCode::data,
                fmt::format("{}: has {} positions, but {} has {} frames", where, x_y_m.size(), h.file, h.frame_count));
  }
  auto positions = placed(x_y_m, p, count);
  constexpr Index few = 10;  // of a scan that has only begun, which may still be at its first place
  if (!p.follow || count >= few) io::check_positions(positions, geometry, {where, p.first, p.step});
  return positions;
}

}  // namespace ptychoflow::load
