// The manual page of the program, from its own command line.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <utility>
#include <vector>

namespace ptychoflow::host {

/// Codes that the program ends with, and what they mean.
using ExitCodes = std::vector<std::pair<int, std::string>>;

/// ptychoflow(1), in roff.
std::string program_page(const CLI::App& app, const ExitCodes& exit_codes);

}  // namespace ptychoflow::host
