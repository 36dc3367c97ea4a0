// What a shell offers when the user presses Tab.
#pragma once

#include <CLI/App.hpp>
#include <map>
#include <string>
#include <vector>

namespace ptychoflow::host {

/// By option: the values that it takes.
using Choices = std::map<std::string, std::vector<std::string>>;

/// A script for bash that completes this program's commands, options and their choices, names of stages, and else
/// files.
std::string bash_completion(const CLI::App& app, const Choices& choices);

}  // namespace ptychoflow::host
