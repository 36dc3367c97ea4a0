// What this program was built from.
#pragma once

#include <string>

#include "plugin/host/pipeline.hpp"

namespace ptychoflow::host {

/// Name → version, of the program, its stage interface and the libraries that matter to a result.
Json versions();

/// The same for people, one a line.
std::string versions_text();

}  // namespace ptychoflow::host
