// Parameters of the stage, from JSON that has passed its schema.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/ptycho/distribution.hpp"
#include "core/ptycho/simulation_plan.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::stage {

/// A specimen in three dimensions. Its matrix takes phase and amplitude of `settings.specimen` where it is thickest;
/// lengths that are not given follow from the scan.
struct PillarParameters {
  std::optional<double> diameter_m;
  std::optional<double> height_m;
  std::optional<double> tip_m;
  std::optional<double> crystal_m;
  Index crystals = 24;
  Index pores = 4;
  double crystal_delta = 2.5;  ///< δ of a crystal, relative to the matrix
  double crystal_beta = 6;     ///< β likewise
};

/// A scan for each angle.
struct TomogramParameters {
  std::vector<double> angle_deg;  ///< at least one
  ptycho::Yx<double> shift_m;     ///< largest random shift of the specimen in a scan, either way
  ptycho::Yx<double> drift_m;     ///< from one end of its drift to the other
};

struct SimulateParameters {
  std::string name;
  ptycho::SimulationSettings settings;
  std::optional<ptycho::Sharing> sharing{};      ///< none: whichever makes ranks exchange less
  std::optional<PillarParameters> pillar{};      ///< none: the flat specimen of `settings`
  std::optional<TomogramParameters> tomogram{};  ///< none: one scan
};

/// What is not given takes the default of `SimulationSettings`.
/// @throws Error (usage) for a tomogram of a flat specimen, or shifts without angles
SimulateParameters simulate_parameters(const Json& params);

}  // namespace ptychoflow::stage
