// What can be set at the UFO filter ptychoflow-dm.
#pragma once

#include <string>
#include <vector>

namespace ptychoflow::ufo {

struct Property {
  enum class Kind { text, integer, number, boolean };

  std::string name;  ///< with underscores, which UFO takes for dashes
  Kind kind = Kind::text;
  std::string help;
  std::string standard{};     ///< its value where it is not set, as text; empty: none
  bool is_parameter = false;  ///< of stage ptycho_dm
};

/// The filter's own, then the parameters of stage ptycho_dm, as its schema has them, but for those that mean something
/// only in a pipeline of ptychoflow's. Values with parts are texts in YAML's flow style.
/// @throws Error (resource) if there is no such stage
const std::vector<Property>& dm_properties();

/// Where the stages lie: in PTYCHOFLOW_STAGE_PATH, or beside this filter.
std::vector<std::string> stage_folders();

}  // namespace ptychoflow::ufo
