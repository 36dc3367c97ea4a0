#include "plugin/stages/save/advice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ptychoflow::save {
namespace {

constexpr double poor_r_factor = 0.25;
constexpr double falling = 0.03;         ///< of R, over the last tenth of the iterations
constexpr double large_last_mode = 0.1;  ///< of the light
constexpr double much_at_rim = 0.02;     ///< of the first mode's light

/// Share of the first mode's light in the outermost sixteenth of its window, on each side.
double light_at_rim(const io::ModeStack& probe) {
  return std::visit(
      [](auto modes) {
        const Index ny = modes.extent(1), nx = modes.extent(2), rim_y = (ny + 15) / 16, rim_x = (nx + 15) / 16;
        double rim = 0, all = 0;
        for (Index y = 0; y < ny; ++y) {
          for (Index x = 0; x < nx; ++x) {
            const auto p = modes(0, y, x);
            const double light = static_cast<double>(p.re) * p.re + static_cast<double>(p.im) * p.im;
            all += light;
            if (y < rim_y || y >= ny - rim_y || x < rim_x || x >= nx - rim_x) rim += light;
          }
        }
        return all > 0 ? rim / all : 0;
      },
      probe);
}

}  // namespace

std::vector<std::string> advice(const io::ResultFile& result, const stage::Json& metadata) {
  std::vector<std::string> all;
  if (metadata.value("stopped", false)) all.emplace_back("The run was stopped before it had made all its iterations.");
  const auto& r = result.history.fourier_error;
  if (!r.empty() && r.back() > poor_r_factor) {
    all.push_back(fmt::format(
        "R is {:.2f}: probe and object explain the frames badly, or the frames hold few photons. Look whether the "
        "positions are right (positions: auto in load finds out which way round they are), then try more probe_modes "
        "and another initial_probe.",
        r.back()));
  }
  if (r.size() >= 20 && r.back() < (1 - falling) * r[r.size() - 1 - r.size() / 10])
    all.emplace_back("R was still falling at the end: more iterations will make the result better.");
  const auto& shares = result.probe_occupancy;
  if (!shares.empty() && shares.back() > large_last_mode && shares.size() > 1) {
    all.push_back(fmt::format("The last mode of the probe holds {:.0f} % of the light: try more probe_modes, or auto.",
                              100 * shares.back()));
  }
  if (const double rim = light_at_rim(result.probe); rim > much_at_rim) {
    all.push_back(
        fmt::format("{:.0f} % of the probe's light lies at the rim of its window, which may be too small for it. Look "
                    "whether distance, energy and detector pixel are right; initial_probe and probe_support_m keep a "
                    "probe together.",
                    100 * rim));
  }
  return all;
}

}  // namespace ptychoflow::save
