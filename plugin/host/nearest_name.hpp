// "did you mean …": the known name that a mistyped one is closest to.
#pragma once

#include <string>
#include <vector>

namespace ptychoflow::host {

/// The name with the fewest edits (insert, delete, replace, swap of neighbours; case counts half as much as a letter)
/// from `given`; empty if even that is too far away to be what was meant.
std::string nearest_name(const std::string& given, const std::vector<std::string>& names);

}  // namespace ptychoflow::host
