#include "plugin/stages/ptycho_dm/parameters.hpp"

#include <fmt/format.h>

#include <set>

#include "core/base/error.hpp"
#include "core/ptycho/memory_plan.hpp"

namespace ptychoflow::ptycho_dm {
namespace {

using nlohmann::json;
using namespace ptycho;

constexpr double photon_variance = 0.25;  // of √counts, for Poisson counts

std::optional<double> modulus_bound(const json& params) {
  const json relaxation = params.value("modulus_relaxation", json("auto"));
  if (relaxation == "off") return std::nullopt;
  if (relaxation == "auto") return photon_variance * params.value("counts_per_photon", 1.0);
  return relaxation.get<double>();
}

/// Sets the two bounds from [least, greatest].
void read_range(const json& params, const char* name, double& least, double& greatest) {
  const auto found = params.find(name);
  if (found == params.end()) return;
  least = (*found)[0];
  greatest = (*found)[1];
  if (least > greatest) {
    throw Error(ErrorCode::usage,
                fmt::format("{}: [{}, {}] is empty; give the smaller value first", name, least, greatest));
  }
}

bool finds_defocus(const json& initial_probe) {
  return initial_probe.is_object() && initial_probe.contains("from_data") &&
         initial_probe["from_data"].value("defocus_m", json()) == "auto";
}

ProbeStart probe_start(const json& given) {
  if (given == "from_scan") return ProbeOfScan{};
  if (given == "random") return ProbeRandom{};
  const std::string kind = given.begin().key();
  const json& s = given.begin().value();
  if (kind == "from_data") return ProbeFromData{finds_defocus(given) ? 0.0 : s.value("defocus_m", 0.0)};
  if (kind == "aperture") return ProbeAperture{s.at("diameter_m")};
  if (kind == "gaussian") return ProbeGaussian{s.at("fwhm_m")};
  if (kind == "file") return ProbeOfFile{s};
  return ZonePlate{s.at("diameter_m"), s.at("outer_zone_width_m"), s.value("central_stop_m", 0.0),
                   s.value("defocus_m", 0.0)};
}

ObjectStart object_start(const json& given) {
  if (given == "ones") return ObjectOnes{};
  if (given == "random") return ObjectRandom{};
  return ObjectOfFile{given.at("file")};
}

std::optional<ModeStart> mode_start(const std::string& name) {
  if (name == "hermite") return ModeStart::hermite;
  if (name == "blur") return ModeStart::blur;
  if (name == "random") return ModeStart::random;
  return std::nullopt;  // "file"
}

GpuOptions gpu_options(const json& params) {
  GpuOptions options;
  const json device = params.value("device", json("auto"));
  if (device.is_number()) options.device = device.get<int>();
  options.object_sum = params.value("reproducible", false) ? ObjectSum::gather : ObjectSum::atomic;
  options.batch_views = params.value("batch_views", Index{0});
  const std::string reduction = params.value("reduction", "auto");
  options.reduction = reduction == "host"   ? Reduction::host
                      : reduction == "mpi"  ? Reduction::mpi
                      : reduction == "nccl" ? Reduction::nccl
                                            : Reduction::automatic;
  return options;
}

/// What a reconstruction may not change on its way. How long, where and how fast it runs, it may.
Identity identity_of(const json& params) {
  static const std::set<std::string> free = {"iterations", "memory",     "device",    "batch_views",  "reduction",
                                             "checkpoint", "half_scans", "tolerance", "gather_object"};
  Identity identity;
  for (const auto& [name, value] : params.items()) {
    if (!free.contains(name)) identity.emplace_back(name, value.dump());
  }
  return identity;
}

/// What needs to know the whole scan, or to be the same each time, is not for one that is still running.
void check_live(const Parameters& p) {
  const auto refuse = [](const char* what) { throw Error(ErrorCode::usage, fmt::format("live: {}", what)); };
  if (!p.probe_modes) refuse("probe_modes: auto needs the whole scan: give a number of modes");
  if (p.checkpoint.every > 0) refuse("checkpoint is for scans that are complete: leave one of them out");
  if (!p.scratch.empty()) refuse("exit waves lie in memory: leave out memory: {scratch: …}, or live");
  if (p.settings.sums == Sums::whole_numbers)
    refuse("reproducible: when views come decides on the result's last bits: leave one of them out");
}

}  // namespace

Parameters parse_parameters(const json& params) {
  Parameters p;
  Settings& s = p.settings;
  s.iterations = params.value("iterations", s.iterations);
  s.beta = params.value("beta", s.beta);
  s.update_order = params.value("update_order", "object_first") == "probe_first" ? UpdateOrder::probe_first
                                                                                 : UpdateOrder::object_first;
  s.probe_start = params.value("probe_start", s.probe_start);
  s.object_start = params.value("object_start", s.object_start);
  s.modulus_bound = modulus_bound(params);
  s.orthogonalise_every = params.value("orthogonalise_every", s.orthogonalise_every);
  s.average_from = params.value("average_from", s.average_from);
  if (params.value("reproducible", false)) s.sums = Sums::whole_numbers;
  s.tolerance = params.value("tolerance", s.tolerance);
  read_range(params, "object_amplitude", s.object_bounds.amplitude_min, s.object_bounds.amplitude_max);
  read_range(params, "object_phase_rad", s.object_bounds.phase_min_rad, s.object_bounds.phase_max_rad);

  GuessSettings& g = p.guess;
  p.carry_probe = params.value("carry_probe", false);
  p.probe_given = params.contains("initial_probe");
  p.find_defocus = finds_defocus(params.value("initial_probe", json()));
  if (p.probe_given) g.probe = probe_start(params["initial_probe"]);
  g.object = object_start(params.value("initial_object", json("ones")));
  g.mode_start = mode_start(params.value("mode_start", "hermite"));
  g.mode_diversity = params.value("mode_diversity", g.mode_diversity);
  g.seed = params.value("seed", g.seed);

  const json modes = params.value("probe_modes", json(1));
  if (modes.is_number()) p.probe_modes = modes.get<Index>();
  if (!p.probe_modes && !g.mode_start) {
    throw Error(ErrorCode::usage, "probe_modes: auto and mode_start: file exclude each other: give a number of modes");
  }
  p.object_modes = params.value("object_modes", p.object_modes);
  p.max_probe_modes = params.value("max_probe_modes", p.max_probe_modes);
  p.trial_iterations = params.value("trial_iterations", p.trial_iterations);
  p.precision = params.value("precision", "single") == "double" ? Precision::twofold : Precision::single;
  p.half_scans = params.value("half_scans", false) ? HalfScans::reconstruct : HalfScans::skip;
  if (const json whole = params.value("gather_object", json("auto")); whole.is_boolean())
    p.whole_object = whole.get<bool>() ? WholeObject::always : WholeObject::never;
  if (p.whole_object == WholeObject::never && p.half_scans == HalfScans::reconstruct)
    throw Error(ErrorCode::usage, "half_scans: are compared whole: leave out gather_object: false");
  p.gpu = gpu_options(params);
  if (params.contains("probe_support_m")) p.probe_support_m = params["probe_support_m"].get<double>();
  const json memory = params.value("memory", json::object());
  p.host_bytes = bytes_of(memory.value("host", "auto"));
  p.device_bytes = bytes_of(memory.value("device", "auto"));
  p.scratch = memory.value("scratch", "");
  if (const auto c = params.find("checkpoint"); c != params.end()) {
    p.checkpoint = {c->value("every", Index{50}), c->at("file").get<std::string>(),
                    c->value("exit_waves", true) ? StoredExitWaves::all : StoredExitWaves::none};
  }
  if (const auto l = params.find("live"); l != params.end()) {
    p.live = {l->value("start_after", Index{50}), l->value("every", Index{5})};
    check_live(p);
  }
  p.identity = identity_of(params);
  return p;
}

}  // namespace ptychoflow::ptycho_dm
