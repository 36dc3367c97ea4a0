// Which way round the positions of a scan are meant: tried out on some of its views.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/device/array.hpp"
#include "core/device/thread_pool.hpp"
#include "core/ptycho/geometry.hpp"
#include "core/ptycho/initial_guess.hpp"

namespace ptychoflow::ptycho {

/// Axes exchanged, then signs changed.
struct Orientation {
  bool swap_xy = false;
  bool flip_x = false;
  bool flip_y = false;
  friend bool operator==(const Orientation&, const Orientation&) = default;

  Yx<double> of(Yx<double> position) const;

  /// "{swap_xy: false, flip_x: true, flip_y: false}"
  std::string text() const;
};

/// Some views of a scan.
struct TrialScan {
  Optics optics;
  std::vector<Yx<double>> positions_m;
  std::shared_ptr<const device::Array<float, 3>> magnitudes;  ///< as Problem's: zero frequency in the corner
  ScanLight light;
};

struct OrientationTrial {
  Orientation orientation;
  double r_factor = 0;
};

/// R of the eight orientations after short reconstructions with one probe mode, lowest first.
/// @throws Error (data) as `lay_out` and `start_probe` do
std::vector<OrientationTrial> try_orientations(const TrialScan& scan, device::ThreadPool& threads);

/// Whether the first of them is so much better than the second that it is no accident.
bool is_clear(const std::vector<OrientationTrial>& trials);

}  // namespace ptychoflow::ptycho
