// A series of projections as it comes to this stage, and what must be true of it.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/base/view.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::tomo_stage {

/// What every rank must know of a series.
struct Series {
  std::vector<double> angle_deg;
  double axis_px = 0;
  double wavelength_m = 0;
  std::array<double, 2> pixel_size_m{};  ///< y, x
  Index height = 0, width = 0;           ///< of a projection
  bool has_absorption = false;

  Index angles() const { return static_cast<Index>(angle_deg.size()); }
};

/// Takes the description out of a packet that has `projections`.
/// @throws Error (data) if figures are missing, angles are too few, double or in radians, pixels are not square, shapes
/// do not belong together or values are not finite
Series series_of(const stage::Packet& packet);

/// What is doubtful about a series, to be warned of; empty: nothing.
std::string doubt_about(const Series& series);

/// To and from text, so that it can be sent to other ranks.
std::string to_text(const Series& series);
Series series_from(const std::string& text);

}  // namespace ptychoflow::tomo_stage
