#include "plugin/ufo/dm_properties.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "plugin/host/paths.hpp"
#include "plugin/host/stage_library.hpp"

namespace ptychoflow::ufo {
namespace {

using host::Json;
using Kind = Property::Kind;

/// These need what comes before or after in a pipeline, or outlive the run of one scan.
constexpr std::array<const char*, 3> left_out{"carry_probe", "checkpoint", "half_scans"};

Kind kind_of(const Json& schema) {
  const std::string type = schema.value("type", "");
  return type == "integer"   ? Kind::integer
         : type == "number"  ? Kind::number
         : type == "boolean" ? Kind::boolean
                             : Kind::text;
}

std::string standard_of(const Json& schema) {
  if (!schema.contains("default")) return "";
  const Json& value = schema["default"];
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::vector<Property> read_properties() {
  std::vector<Property> all{
      {.name = "positions",
       .kind = Kind::text,
       .help = "Where each frame was taken, in metres: a text file with x and y on each line, or FILE.h5:/DATASET"},
      {.name = "energy_ev", .kind = Kind::number, .help = "Energy of the photons, eV", .standard = "0"},
      {.name = "distance_m", .kind = Kind::number, .help = "From the sample to the detector, m", .standard = "0"},
      {.name = "detector_pixel_m", .kind = Kind::number, .help = "Side of a detector pixel, m", .standard = "0"},
      {.name = "output",
       .kind = Kind::text,
       .help = "object-phase, object-amplitude, probe-amplitude; object or probe: complex, real and imaginary parts "
               "side by side; phase, absorption: unwrapped, and 0 in air",
       .standard = "object-phase"},
      {.name = "threads", .kind = Kind::integer, .help = "0: every core", .standard = "0"},
      {.name = "backend", .kind = Kind::text, .help = "auto, cpu or cuda", .standard = "auto"},
      {.name = "quiet", .kind = Kind::boolean, .help = "Only warnings and errors on stderr", .standard = "false"}};
  const Json schema = host::StageLibrary(stage_folders()).parameters_schema("ptycho_dm");
  for (const auto& [name, parameter] : schema["properties"].items()) {
    if (std::ranges::find(left_out, name) != left_out.end()) continue;
    all.push_back({.name = name,
                   .kind = kind_of(parameter),
                   .help = parameter.value("description", ""),
                   .standard = standard_of(parameter),
                   .is_parameter = true});
  }
  return all;
}

}  // namespace

const std::vector<Property>& dm_properties() {
  static const std::vector<Property> all = read_properties();
  return all;
}

std::vector<std::string> stage_folders() {
  Dl_info self{};
  ::dladdr(reinterpret_cast<const void*>(&dm_properties), &self);  // lib/ptychoflow/ufo/libufofilter….so
  const auto file = std::filesystem::weakly_canonical(self.dli_fname ? self.dli_fname : "");
  return host::stage_folders(file.parent_path().parent_path() / "stages");
}

}  // namespace ptychoflow::ufo
