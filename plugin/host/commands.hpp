// What the program does for each of its commands.
#pragma once

#include "core/comm/session.hpp"
#include "plugin/host/command_line.hpp"

namespace ptychoflow::host {

/// `run` and `check`. Returns the exit code; failures have been printed. Collective. May not return: if this rank
/// failed while others are stuck, it ends them all.
int run_pipeline(const Command& command, comm::Session& session);

/// `stages`. @throws Error (usage or resource) if the one stage asked for is not there or cannot be opened
void show_stages(const Command& command);

/// `inspect`. @throws Error (data) for a file that cannot be read
void inspect(const Command& command);

/// `init`. @throws Error (data) for a scan that cannot be read, (usage) if the pipeline's file is there or has no
/// folder, (resource) if it cannot be written
void init(const Command& command);

/// `watch`. Returns the exit code. @param cores  that runs may use between them
/// @throws Error (usage) for a pipeline, folder or state that is wrong, (resource) if the state cannot be kept
int watch(const Command& command, int cores);

}  // namespace ptychoflow::host
