// What a shell offers when the user presses Tab.
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace ptychoflow::host {

/// A script for bash that completes this program's commands, options and names of stages, and else files.
std::string bash_completion(const CLI::App& app);

}  // namespace ptychoflow::host
