// Stage `compare_volume`: how good is the volume that passes by?
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "compare_volume_schema.hpp"
#include "plugin/stages/compare_volume/judgement.hpp"

namespace ptychoflow::compare_volume_stage {
namespace {

using stage::Description;
using stage::Json;
using stage::Packet;

constexpr auto nothing_to_compare_with =
    "compare_volume has nothing to compare the volume with: set half_series: true of tomo for its resolution, or "
    "simulate the series for its error";

Settings settings_of(const Json& params) {
  Settings s;
  s.threshold_name = params.value("fsc_threshold", "half_bit");
  s.threshold = s.threshold_name == "one_bit"       ? FrcThreshold::one_bit
                : s.threshold_name == "one_seventh" ? FrcThreshold::one_seventh
                                                    : FrcThreshold::half_bit;
  s.report_fsc = params.value("report_fsc", true);
  s.mask_radius = params.value("mask_radius", 0.95);
  return s;
}

class CompareVolume : public stage::Stage {
 public:
  Description configure(const Json& params, const Description& input) override {
    settings_ = settings_of(params);
    if (params.contains("max_resolution_m")) max_resolution_m_ = params["max_resolution_m"].get<double>();
    if (params.contains("max_truth_error")) max_truth_error_ = params["max_truth_error"].get<double>();
    const bool with_truth = input.has("truth_volume"), with_halves = input.has("volume_halves");
    if (max_truth_error_ && !with_truth) {
      throw Error(
          ErrorCode::usage,
          "max_truth_error needs a series with truth, and no earlier stage provides `truth_volume`: reconstruct "
          "a simulated series, or use max_resolution_m");
    }
    if (max_resolution_m_ && !with_halves) {
      throw Error(ErrorCode::usage,
                  "max_resolution_m needs two half series, and no earlier stage provides `volume_halves`: set "
                  "half_series: true of tomo");
    }
    if (!with_truth && !with_halves) warn_of_nothing();
    return input;
  }

  void process(Packet& packet) override {
    if (!is_root() || !packet.has("volume")) {
      if (is_root() && !collection_) keep_truth(packet);
      emit(packet);
      return;
    }
    const Place place = place_of(packet);
    if (place.first == 0) begin(packet, place);
    if (!collection_) {
      throw Error(ErrorCode::data,
                  fmt::format("compare_volume: a volume begins with slice {} in place of 0: slabs must "
                              "come in order",
                              place.first));
    }
    const std::string fault = collection_->add(packet, place);
    const std::string series = packet.metadata.value("series", "");
    emit(packet);  // first, so that a volume that fails can be saved and looked at
    if (!fault.empty()) {
      collection_.reset();
      throw Error(ErrorCode::data, fault + ": look into the projections that the volume was reconstructed from");
    }
    if (place.ends_volume) end(series);
  }

  void finalize() override { warn_if_unfinished(); }

  void abandon_scan() override { collection_.reset(); }

 private:
  void warn_of_nothing() {
    if (is_root() && !warned_) warn(nothing_to_compare_with);
    warned_ = true;
  }

  void warn_if_unfinished() const {
    if (!collection_) return;
    warn(fmt::format("compare_volume: the volume broke off after {} of {} slices and was not judged",
                     collection_->slices_so_far(), collection_->first_place().volume[0]));
  }

  void keep_truth(const Packet& packet) {
    if (!packet.has("truth_volume")) return;
    const auto truth = packet.at("truth_volume").view<const float, 3>();
    const std::string fault = not_finite("truth_volume", truth, 0);
    if (!fault.empty()) throw Error(ErrorCode::data, fault + ": look into the stage that made it");
    truth_ = Volume::copy_of(truth);
  }

  void begin(const Packet& packet, const Place& place) {
    warn_if_unfinished();
    collection_.reset();
    const Index truth = packet.has("truth_volume") ? packet.at("truth_volume").view<const float, 3>().size()
                        : truth_                   ? truth_->size()
                                                   : 0;
    expect_memory(place, packet.has("volume_halves"), truth);
    keep_truth(packet);
    collection_.emplace(packet, place, std::exchange(truth_, std::nullopt));
    if (!collection_->has_truth() && !collection_->has_halves()) warn_of_nothing();
  }

  void end(const std::string& series) {
    device::ThreadPool threads(std::max(1, static_cast<int>(host().threads)));
    Collection collection = std::move(*collection_);
    collection_.reset();  // the next volume begins anew, whatever becomes of this one
    const Judgement judgement = judge(collection, settings_, threads);
    if (!judgement.words.empty()) info(fmt::format("{}", fmt::join(judgement.words, "; ")));
    report({{"quality", judgement.figures}});
    check_limits(judgement.figures, series.empty() ? "" : " of series '" + series + "'");
  }

  /// @throws Error (data) if a figure is larger than the user allows, or is not there
  void check_limits(const Json& figures, const std::string& of_series) const {
    check_limit(figures, of_series, "fsc_resolution_m", "max_resolution_m", max_resolution_m_);
    check_limit(figures, of_series, "truth_nrmse", "max_truth_error", max_truth_error_);
    if (max_resolution_m_ && figures["fsc"]["bound"] == "worse_than") {
      throw Error(ErrorCode::data,
                  fmt::format("fsc_resolution_m{} could not be measured, for the two half series agree "
                              "in no shell: max_resolution_m = {:.4g} is not reached",
                              of_series, *max_resolution_m_));
    }
  }

  static void check_limit(const Json& figures, const std::string& of_series, const char* figure, const char* parameter,
                          std::optional<double> limit) {
    if (!limit) return;
    if (figures[figure].is_null())
      throw Error(ErrorCode::data, fmt::format("{}: the volume{} came without {}", parameter, of_series, figure));
    const double value = figures[figure].get<double>();
    if (!(value <= *limit)) {  // NaN fails too
      throw Error(ErrorCode::data, fmt::format("{}{} is {:.4g}, more than {} = {:.4g} allows", figure, of_series, value,
                                               parameter, *limit));
    }
  }

  Settings settings_;
  std::optional<double> max_resolution_m_;
  std::optional<double> max_truth_error_;
  std::optional<Volume> truth_;  ///< that came before its volume
  std::optional<Collection> collection_;
  bool warned_ = false;
};

}  // namespace
}  // namespace ptychoflow::compare_volume_stage

PTYCHOFLOW_STAGE(ptychoflow::compare_volume_stage::CompareVolume, .name = "compare_volume",
                 .summary = "Judges a volume: shell correlation of two half series, error against the truth",
                 .parameters_schema = compare_volume_schema, .consumes = {"volume"})
