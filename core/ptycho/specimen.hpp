// Samples to simulate: complex transmission from a formula or from two images.
#pragma once

#include <cstdint>
#include <string>

#include "core/ptycho/illumination.hpp"

namespace ptychoflow::ptycho {

enum class SpecimenKind {
  siemens_star,  ///< spokes with ring-shaped gaps, finest in the middle
  grains,        ///< faceted islands of several sizes and heights on a clear ground, like annealed gold film
  images,        ///< amplitude and phase from one PNG file each
};

/// What to make. Where there is most material the transmission is amplitude_min · exp(i·phase_min_rad), where there is
/// none it is 1: thickness t ∈ [0, 1] takes the amplitude to amplitude_minᵗ and the phase to t·phase_min_rad. Of the
/// images white means 1 and 0 rad, black amplitude_min and phase_min_rad, linear in between.
struct Specimen {
  SpecimenKind kind = SpecimenKind::grains;
  double amplitude_min = 0.8;
  double phase_min_rad = -1.0;
  double feature_px = 0;       ///< siemens_star: period of the spokes at the hub; grains: mean diameter; 0: 6 and 14
  std::string amplitude_file;  ///< images: PNG; empty: amplitude 1
  std::string phase_file;      ///< images: PNG; empty: phase 0
  std::uint64_t seed = 0;      ///< grains
};

/// Transmission of the specimen, [y][x]. Images cover the whole array, keeping their proportions; what juts out is cut.
/// @throws Error (usage) if a parameter is out of range, Error (data) if an image cannot be read
Field make_specimen(const Specimen& specimen, Yx<Index> shape);

/// The same checks without the work, for before any data moves.
void check_specimen(const Specimen& specimen);

}  // namespace ptychoflow::ptycho
