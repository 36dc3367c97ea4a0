#include "plugin/stages/simulate/parameters.hpp"

#include "core/base/error.hpp"
#include "core/base/units.hpp"

namespace ptychoflow::ptycho {

NLOHMANN_JSON_SERIALIZE_ENUM(SpecimenKind, {{SpecimenKind::grains, "grains"},
                                            {SpecimenKind::siemens_star, "siemens_star"},
                                            {SpecimenKind::images, "images"}})
NLOHMANN_JSON_SERIALIZE_ENUM(ProbeKind, {{ProbeKind::zone_plate, "zone_plate"},
                                         {ProbeKind::aperture, "aperture"},
                                         {ProbeKind::gaussian, "gaussian"}})
NLOHMANN_JSON_SERIALIZE_ENUM(ScanPattern, {{ScanPattern::raster, "raster"},
                                           {ScanPattern::jittered_raster, "jittered_raster"},
                                           {ScanPattern::fermat, "fermat"},
                                           {ScanPattern::fly, "fly"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Noise, {{Noise::poisson, "poisson"}, {Noise::none, "none"}})

}  // namespace ptychoflow::ptycho

namespace ptychoflow::stage {
namespace {

/// Sets `value` if the object has `key` and it is not null.
template <class T>
void take(const Json& object, const char* key, T& value) {
  if (const auto found = object.find(key); found != object.end() && !found->is_null()) found->get_to(value);
}

template <class T>
void take(const Json& object, const char* key, std::optional<T>& value) {
  if (const auto found = object.find(key); found != object.end() && !found->is_null()) value = found->get<T>();
}

/// One number for both, or [y, x].
void take(const Json& object, const char* key, ptycho::Yx<double>& value) {
  const Json given = object.value(key, Json());
  if (given.is_array()) {
    value = {given.at(0).get<double>(), given.at(1).get<double>()};
  } else if (given.is_number()) {
    value = {given.get<double>(), given.get<double>()};
  }
}

Json section(const Json& params, const char* key) {
  const Json found = params.value(key, Json());
  return found.is_null() ? Json::object() : found;
}

constexpr double pillar_phase_rad = -8;  // it wraps more than once, as pillars of a few micrometres do

PillarParameters pillar_parameters(const Json& specimen) {
  PillarParameters p;
  take(specimen, "diameter_m", p.diameter_m);
  take(specimen, "height_m", p.height_m);
  take(specimen, "tip_m", p.tip_m);
  take(specimen, "crystal_m", p.crystal_m);
  take(specimen, "crystals", p.crystals);
  take(specimen, "pores", p.pores);
  take(specimen, "crystal_delta", p.crystal_delta);
  take(specimen, "crystal_beta", p.crystal_beta);
  return p;
}

std::vector<double> angles(const Json& tomogram) {
  const Json& given = tomogram.at("angles");
  if (given.is_array()) return given.get<std::vector<double>>();
  double first_deg = 0, range_deg = 180;
  take(tomogram, "first_deg", first_deg);
  take(tomogram, "range_deg", range_deg);
  std::vector<double> all;
  const auto count = given.get<Index>();
  for (Index i = 0; i < count; ++i) {
    all.push_back(first_deg + static_cast<double>(i) * range_deg / static_cast<double>(count));
  }
  return all;
}

std::optional<TomogramParameters> tomogram_parameters(const Json& tomogram) {
  TomogramParameters t;
  take(tomogram, "shift_m", t.shift_m);
  take(tomogram, "drift_m", t.drift_m);
  if (tomogram.value("angles", Json()).is_null()) {
    if (t.shift_m != ptycho::Yx<double>{} || t.drift_m != ptycho::Yx<double>{}) {
      throw Error(ErrorCode::usage,
                  "tomogram: shift_m and drift_m move the specimen from scan to scan, and without "
                  "angles there is one alone: give angles, their number or a list");
    }
    return {};
  }
  t.angle_deg = angles(tomogram);
  return t;
}

}  // namespace

SimulateParameters simulate_parameters(const Json& params) {
  SimulateParameters p{"simulated", {}};
  auto& s = p.settings;
  take(params, "name", p.name);
  take(params, "seed", s.seed);
  double energy_keV = 12;
  take(params, "energy_keV", energy_keV);
  s.optics.wavelength_m = wavelength_m_from_energy_J(energy_J_from_keV(energy_keV));

  const Json detector = section(params, "detector");
  if (const Json size = detector.value("frame_size", Json(128)); size.is_array()) {
    s.optics.frame = {size.at(0).get<Index>(), size.at(1).get<Index>()};
  } else {
    s.optics.frame = {size.get<Index>(), size.get<Index>()};
  }
  take(detector, "distance_m", s.optics.distance_m);
  take(detector, "pixel_m", s.optics.detector_pixel_m.y);
  s.optics.detector_pixel_m.x = s.optics.detector_pixel_m.y;
  take(detector, "photons", s.photons);
  take(detector, "noise", s.noise);
  take(detector, "dead_fraction", s.dead_fraction);

  const Json specimen = section(params, "specimen");
  take(specimen, "kind", s.specimen.kind);
  take(specimen, "amplitude_min", s.specimen.amplitude_min);
  take(specimen, "amplitude_file", s.specimen.amplitude_file);
  take(specimen, "phase_file", s.specimen.phase_file);
  double feature_m = 0;
  take(specimen, "feature_m", feature_m);
  s.specimen.feature_px = feature_m / object_pixel_m(s.optics).x;

  if (specimen.value("kind", "") == "pillar") {
    p.pillar = pillar_parameters(specimen);
    s.specimen.kind = ptycho::SpecimenKind::grains;  // not used, but judged with the rest
    s.specimen.phase_min_rad = pillar_phase_rad;
  }
  take(specimen, "phase_min_rad", s.specimen.phase_min_rad);
  p.tomogram = tomogram_parameters(section(params, "tomogram"));
  if (p.tomogram && !p.pillar) {
    throw Error(ErrorCode::usage,
                "tomogram: a specimen of kind '" + specimen.value("kind", "grains") +
                    "' is flat and has no other sides: set specimen: {kind: pillar}, or leave angles out");
  }

  const Json probe = section(params, "probe");
  take(probe, "kind", s.probe);
  take(probe, "diameter_m", s.zone_plate.diameter_m);
  take(probe, "outer_zone_width_m", s.zone_plate.outer_zone_width_m);
  take(probe, "central_stop_m", s.zone_plate.central_stop_m);
  take(probe, "defocus_m", s.zone_plate.defocus_m);
  take(probe, "aperture_m", s.aperture_m);
  take(probe, "fwhm_m", s.gaussian_m);
  take(probe, "mode_powers", s.mode_powers);

  const Json scan = section(params, "scan");
  take(scan, "pattern", s.pattern);
  take(scan, "frame_count", s.frame_count);
  take(scan, "overlap", s.overlap);
  if (double step_m = 0; take(scan, "step_m", step_m), step_m > 0) s.step_m = step_m;
  take(scan, "jitter", s.jitter);
  take(scan, "fly_steps", s.fly_steps);
  take(scan, "fly_travel", s.fly_travel);
  if (scan.value("subpixel", false)) s.placement = ptycho::Placement::subpixel;
  p.sharing = ptycho::sharing_called(params.value("distribution", "auto"));
  return p;
}

}  // namespace ptychoflow::stage
