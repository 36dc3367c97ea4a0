// Parameters of the stage, from JSON that has passed its schema.
#pragma once

#include <string>

#include "core/ptycho/simulation_plan.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::stage {

struct SimulateParameters {
  std::string name;
  ptycho::SimulationSettings settings;
};

/// What is not given takes the default of `SimulationSettings`.
SimulateParameters simulate_parameters(const Json& params);

}  // namespace ptychoflow::stage
