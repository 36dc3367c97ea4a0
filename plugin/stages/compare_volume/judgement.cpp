#include "plugin/stages/compare_volume/judgement.hpp"

#include <fmt/format.h>

#include "core/tomo/shell_correlation.hpp"
#include "core/tomo/volume_registration.hpp"

namespace ptychoflow::compare_volume_stage {
namespace {

using stage::Json;

/// A length with three digits in the unit that suits it.
std::string length_text(double metres) {
  return metres < 1e-6 ? fmt::format("{:.3g} nm", metres * 1e9) : fmt::format("{:.3g} µm", metres * 1e6);
}

const char* text_of(ResolutionBound bound) {
  return bound == ResolutionBound::measured      ? "measured"
         : bound == ResolutionBound::better_than ? "better_than"
                                                 : "worse_than";
}

const char* words_of(ResolutionBound bound) {
  return bound == ResolutionBound::measured      ? ""
         : bound == ResolutionBound::better_than ? "better than "
                                                 : "worse than ";
}

/// Writes `name`_resolution_m and all about it into `figures`. Returns the resolution in words.
std::string add_resolution(const std::string& name, const tomo::ShellCorrelation& shells,
                           const std::vector<double>& thresholds, const Settings& settings, Json& figures) {
  const Resolution r = resolution(shells.curve, thresholds);
  figures[name + "_resolution_m"] = r.half_period_m;
  Json& about = figures[name];
  about = {{"bound", text_of(r.bound)}, {"threshold", settings.threshold_name}};
  if (settings.report_fsc) {
    about["curve"] = {{"frequency_per_m", shells.curve.frequency_per_m},
                      {"correlation", shells.curve.correlation},
                      {"threshold", thresholds},
                      {"voxels", shells.voxels}};
  }
  return words_of(r.bound) + length_text(r.half_period_m);
}

}  // namespace

Json no_figures() {
  return {{"fsc_resolution_m", nullptr},
          {"truth_nrmse", nullptr},
          {"truth_scale", nullptr},
          {"truth_shift_px", nullptr},
          {"truth_fsc_resolution_m", nullptr}};
}

Judgement judge(Collection& collection, const Settings& settings, device::ThreadPool& threads) {
  Judgement j{no_figures(), {}};
  const auto& voxel_size_m = collection.first_place().voxel_size_m;
  const auto correlated = [&](View<const float, 3> a, View<const float, 3> b) {
    return tomo::shell_correlation(a, b, voxel_size_m, settings.mask_radius, threads);
  };
  if (collection.has_halves()) {
    const auto shells = correlated(collection.half(0), collection.half(1));
    collection.forget_halves();
    const auto thresholds = frc_thresholds(shells.curve, settings.threshold);
    j.words.push_back("half-period resolution " + add_resolution("fsc", shells, thresholds, settings, j.figures));
  }
  if (collection.has_truth()) {
    const auto volume = collection.volume(), truth = collection.truth();
    const auto shift_px = tomo::find_volume_shift(volume, truth, settings.mask_radius, threads);
    const auto moved = tomo::moved_onto(truth, volume.extents(), shift_px, threads);
    const auto error = tomo::volume_error(volume, truth, moved, shift_px, threads);
    j.figures["truth_nrmse"] = error.nrmse;
    j.figures["truth_scale"] = error.scale;
    j.figures["truth_shift_px"] = shift_px;
    const auto shells = correlated(volume, moved);
    const auto thresholds = tomo::thresholds_against_truth(frc_thresholds(shells.curve, settings.threshold));
    const std::string resolved = add_resolution("truth_fsc", shells, thresholds, settings, j.figures);
    j.words.push_back(
        fmt::format("against the truth: error {:.4f}, scale {:.4f}, truth moved by {:.2f}/{:.2f}/{:.2f} px (z/y/x), "
                    "half-period resolution {}",
                    error.nrmse, error.scale, shift_px[0], shift_px[1], shift_px[2], resolved));
  }
  return j;
}

}  // namespace ptychoflow::compare_volume_stage
