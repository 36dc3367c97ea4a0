// What is done when ranks that watch each other find that one is lost, and the run ends wherever it is.
#pragma once

#include "core/comm/watch.hpp"
#include "plugin/host/command_line.hpp"
#include "plugin/host/pipeline.hpp"

namespace ptychoflow::host {

/// Tells the user, writes the report if `command` asks for one, and removes temporary files. `report`: what is in it
/// so far; the fault is added.
comm::LastActs last_acts(const Command& command, Json report);

}  // namespace ptychoflow::host
