// Parameters of the stage, from JSON that has passed its schema.
#pragma once

#include <optional>
#include <string>

#include "core/ptycho/distribution.hpp"
#include "core/ptycho/simulation_plan.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::stage {

struct SimulateParameters {
  std::string name;
  ptycho::SimulationSettings settings;
  std::optional<ptycho::Sharing> sharing{};  ///< none: whichever makes ranks exchange less
};

/// What is not given takes the default of `SimulationSettings`.
SimulateParameters simulate_parameters(const Json& params);

}  // namespace ptychoflow::stage
