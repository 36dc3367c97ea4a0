// Where the iteration starts: probe and object before the first update.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "core/device/thread_pool.hpp"
#include "core/ptycho/geometry.hpp"
#include "core/ptycho/illumination.hpp"
#include "core/ptycho/modes.hpp"
#include "core/ptycho/state.hpp"

namespace ptychoflow::ptycho {

/// Probes to start from. Lengths in metres; see illumination.hpp for what they mean.
struct ProbeOfScan {};
struct ProbeFromData {
  double defocus_m = 0;
};
struct ProbeAperture {
  double diameter_m = 0;
};
struct ProbeGaussian {
  double fwhm_m = 0;
};
struct ProbeRandom {};
struct ProbeOfFile {
  std::string file;
};
using ProbeStart =
    std::variant<ProbeOfScan, ProbeFromData, ProbeAperture, ProbeGaussian, ZonePlate, ProbeRandom, ProbeOfFile>;

/// Objects to start from.
struct ObjectOnes {};
struct ObjectRandom {};
struct ObjectOfFile {
  std::string file;
};
using ObjectStart = std::variant<ObjectOnes, ObjectRandom, ObjectOfFile>;

struct GuessSettings {
  ProbeStart probe = ProbeOfScan{};
  ObjectStart object = ObjectOnes{};
  std::optional<ModeStart> mode_start = ModeStart::hermite;  ///< none: further modes are those of the scan or file
  double mode_diversity = 0.6;
  std::uint64_t seed = 1;
};

/// What a scan itself says about its light. Frame-shaped arrays have the zero frequency at pixel n/2.
struct ScanLight {
  double wavelength_m = 0;
  device::Array<double, 2> mean_counts;             ///< [y][x], mean over all frames; 0 where nothing was measured
  device::Array<std::uint8_t, 2> mask;              ///< [y][x], 0 where measured
  device::Array<Complex<double>, 3> initial_probe;  ///< [mode][y][x]; may be empty
};

/// The probe to start from, [probe mode][y][x]: the main mode as `settings` say, further modes made from it, all scaled
/// so that Σ|P|² is the mean measured count of a frame. The same on every rank.
/// @throws Error (usage, data) if the start cannot be had: no probe in the scan, an unreadable file, a bad size
device::Array<Complex<double>, 3> start_probe(const GuessSettings& settings, const ScanLight& light,
                                              const Layout& layout, Index modes);

/// Some rows of the object to start from, [object mode][row][x]. Modes after the first are weak and random, so that no
/// two are equal.
/// @throws Error (data) if a file cannot be read
device::Array<Complex<double>, 3> start_object(const GuessSettings& settings, const Layout& layout, device::Share rows,
                                               Index modes);

/// Probe and some rows of the object as a state of precision T, without exit waves.
template <class T>
State<T> start_state(const GuessSettings& settings, const ScanLight& light, const Layout& layout, device::Share rows,
                     Index probe_modes, Index object_modes);

}  // namespace ptychoflow::ptycho
