#include "plugin/stages/simulate/parameters.hpp"

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

Json section(const Json& params, const char* key) { return params.value(key, Json::object()); }

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
  take(specimen, "phase_min_rad", s.specimen.phase_min_rad);
  take(specimen, "amplitude_file", s.specimen.amplitude_file);
  take(specimen, "phase_file", s.specimen.phase_file);
  double feature_m = 0;
  take(specimen, "feature_m", feature_m);
  s.specimen.feature_px = feature_m / object_pixel_m(s.optics).x;

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
