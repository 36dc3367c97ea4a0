// A simulated scan as the user asks for it, and what follows from that before any frame is made.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/ptycho/geometry.hpp"
#include "core/ptycho/illumination.hpp"
#include "core/ptycho/scan_pattern.hpp"
#include "core/ptycho/specimen.hpp"

namespace ptychoflow::ptycho {

enum class ProbeKind { zone_plate, aperture, gaussian };
enum class Placement {
  whole_pixel,  ///< positions are rounded to whole object pixels, so that the truth's windows are exact
  subpixel,     ///< positions are kept; each view moves the probe by the rest, by a Fourier shift
};
enum class Noise { poisson, none };

/// What the user chooses. Seeds inside `specimen` and the scan follow from `seed`.
struct SimulationSettings {
  Optics optics{1.0332e-10, 0.5, {55e-6, 55e-6}, {128, 128}};
  Specimen specimen;

  ProbeKind probe = ProbeKind::zone_plate;
  ZonePlate zone_plate{150e-6, 30e-9, 60e-6, 90e-6};
  double aperture_m = 300e-9;            ///< diameter of an aperture at the sample
  double gaussian_m = 200e-9;            ///< full width at half maximum of the intensity
  std::vector<double> mode_powers{1.0};  ///< relative power of each incoherent mode, strongest first

  ScanPattern pattern = ScanPattern::jittered_raster;
  Index frame_count = 196;
  double overlap = 0.75;         ///< 1 − step / probe diameter; used without step_m
  std::optional<double> step_m;  ///< between neighbours
  double jitter = 0.3;           ///< in steps
  Rim rim = Rim::jittered;
  Index fly_steps = 8;      ///< positions that one exposure of a fly scan sums
  double fly_travel = 1.0;  ///< way of the stage along x during an exposure, in steps
  Placement placement = Placement::whole_pixel;

  double photons = 1e7;  ///< mean photons of a frame before the specimen absorbs any
  Noise noise = Noise::poisson;
  double dead_fraction = 0;  ///< of the detector's pixels
  std::uint64_t seed = 1;
  std::optional<std::uint64_t> detector_seed;  ///< of dead pixels; none: `seed`. Scans of a series share a detector
};

/// One exposure position: first pixel of the window in the object, and what is left of it, in pixels.
struct Window {
  Yx<Index> first{};
  Yx<double> rest{};
};

/// Everything but object and frames. The same on every rank.
struct SimulationPlan {
  explicit SimulationPlan(const SimulationSettings& settings);

  /// Exposure positions of frame j that are summed; one unless it is a fly scan.
  Index exposures() const { return static_cast<Index>(travel_px.size()); }
  Window window(Index frame, Index exposure) const;

  /// First pixel in the object of frame j's middle window.
  Yx<Index> offset_px(Index frame) const;

  /// Object pixel at the middle of the window of position 0, about which the scan lies.
  Yx<double> middle_px() const;

  SimulationSettings settings;
  Grid grid;                                ///< of the probe and of each window
  device::Array<Complex<double>, 3> modes;  ///< [mode][y][x], orthogonal, √photons; Σ|P|² = settings.photons
  device::Array<std::uint8_t, 2> mask;      ///< [y][x], 1 where the detector is dead
  double probe_diameter_m = 0;              ///< of the main mode, see equivalent_diameter_m
  double step_m = 0;
  double overlap = 0;                    ///< 1 − step / probe diameter
  std::vector<Yx<double>> positions_m;   ///< of each frame's middle, as a scan file would state them
  std::vector<Yx<double>> positions_px;  ///< the same from object pixel [0][0] on
  std::vector<double> travel_px;         ///< of each exposure along x, from the frame's middle
  Yx<Index> object_shape{};
  std::vector<std::string> warnings;  ///< things a user should know
};

/// Incoherent modes of a partly coherent beam: `main` times low polynomials of y and x, made orthogonal, with these
/// relative powers and the power of `main` in all. A source of finite size blurs the pattern, which is the same as
/// polynomials of direction: `far_field` applies them there (and keeps a lens's modes within its cone), `sample` where
/// the probe is.
enum class ModePlane { sample, far_field };
device::Array<Complex<double>, 3> incoherent_modes(const Field& main, const std::vector<double>& powers,
                                                   ModePlane plane);

}  // namespace ptychoflow::ptycho
