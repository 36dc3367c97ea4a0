// The command `inspect`.
#include <fmt/format.h>

#include <iostream>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/io/scan_summary.hpp"
#include "plugin/host/commands.hpp"

namespace ptychoflow::host {
namespace {

void line(const char* what, const std::string& value) { std::cout << fmt::format("{:<16} {}\n", what, value); }

/// A length in the unit that suits it.
std::string length(double m) {
  const double a = m < 0 ? -m : m;
  return a >= 1e-1   ? fmt::format("{:.4g} m", m)
         : a >= 1e-3 ? fmt::format("{:.4g} mm", m * 1e3)
         : a >= 1e-6 ? fmt::format("{:.4g} µm", m * 1e6)
                     : fmt::format("{:.4g} nm", m * 1e9);
}

std::string lengths(const std::array<double, 2>& y_x) {
  return fmt::format("{} (y), {} (x)", length(y_x[0]), length(y_x[1]));
}

void print(const io::ScanHeader& h, const io::ScanSummary& s) {
  const auto stated = [](const std::optional<double>& value, const auto& text) {
    return value ? text(*value) : std::string("not in the file");
  };
  line("file", h.file);
  line("format", io::name_of(h.format));
  line("frames", fmt::format("{} of {} × {} pixels (y, x), {}, {}", h.frame_count, h.frame_shape[0], h.frame_shape[1],
                             h.frame_type, h.frames_path));
  line("energy", stated(h.energy_J, [](double J) {
         return fmt::format("{:.5g} keV (wavelength {})", J / energy_J_from_keV(1),
                            length(wavelength_m_from_energy_J(J)));
       }));
  line("distance", stated(h.distance_m, length));
  line("detector pixel", h.pixel_y_m && h.pixel_x_m ? lengths({*h.pixel_y_m, *h.pixel_x_m}) : "not in the file");
  line("object pixel", s.object_pixel_m ? lengths(*s.object_pixel_m) : "not known");
  if (!h.translation_path.empty()) {
    line("positions", fmt::format("{} over {}, {}", h.translation_m.size(), lengths(s.range_m), h.translation_path));
    line("step", length(s.step_m));
  }
  line("starting probe", h.initial_probe[0] == 0 ? std::string("not in the file")
                                                 : fmt::format("{} modes, {} wide", h.initial_probe[0],
                                                               s.probe_diameter_m ? length(*s.probe_diameter_m) : "?"));
  if (s.overlap) line("overlap", fmt::format("{:.0f} % of neighbours", 100 * *s.overlap));
  line("masked", fmt::format("{:.2g} % of the pixels", 100 * s.masked_share));
  line("counts",
       fmt::format("mean {:.3g}, largest {:.6g}, of {} frames", s.mean_count, s.largest_count, s.frames_looked_at));
  line("centre of light", fmt::format("pixel [{:.1f}, {:.1f}] (y, x)", s.centre_px[0], s.centre_px[1]));
  line("truth", h.has_truth ? "in the file: the scan is simulated" : "not in the file");
  for (const auto& doubt : s.doubts) std::cout << "! " << doubt << '\n';
  std::cout << std::flush;
}

}  // namespace

void inspect(const Command& command) {
  const io::Scan scan(command.file, io::format_named(command.format));
  print(scan.header(), io::summary_of(scan));
}

}  // namespace ptychoflow::host
