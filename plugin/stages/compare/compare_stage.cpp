// Stage `compare`: how good is the reconstruction that passes by?
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>

#include "compare_schema.hpp"
#include "core/ptycho/quality.hpp"
#include "core/ptycho/ring_correlation.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow {
namespace {

using stage::Description;
using stage::Json;
using stage::Packet;
using stage::Tensor;

/// Calls `use` with a typed view of a complex tensor of either precision.
template <std::size_t Rank, class F>
decltype(auto) with_complex(const Tensor& tensor, F&& use) {
  if (tensor.holds<Complex<float>>()) return use(tensor.view<const Complex<float>, Rank>());
  return use(tensor.view<const Complex<double>, Rank>());
}

Image plane_of(const Tensor& tensor, Index plane) {
  return with_complex<3>(tensor, [&](auto view) { return to_image(view[plane]); });
}

std::vector<double> powers_of(const Tensor& modes) {
  return with_complex<3>(modes, [](auto view) { return mode_powers(view); });
}

std::string percent(const std::vector<double>& shares) {
  std::vector<std::string> texts;
  for (const double s : shares) texts.push_back(fmt::format("{:.1f}", 100 * s));
  return fmt::format("{} %", fmt::join(texts, "/"));
}

/// A length with three digits in the unit that suits it.
std::string length_text(double metres) {
  return metres < 1e-6 ? fmt::format("{:.3g} nm", metres * 1e9) : fmt::format("{:.3g} µm", metres * 1e6);
}

FrcThreshold threshold_named(const std::string& name) {
  return name == "one_bit"       ? FrcThreshold::one_bit
         : name == "one_seventh" ? FrcThreshold::one_seventh
                                 : FrcThreshold::half_bit;
}

const char* text_of(ResolutionBound bound) {
  return bound == ResolutionBound::measured      ? "measured"
         : bound == ResolutionBound::better_than ? "better_than"
                                                 : "worse_than";
}

class Compare : public stage::Stage {
 public:
  Description configure(const Json& params, const Description& input) override {
    threshold_name_ = params.value("frc_threshold", "half_bit");
    report_frc_ = params.value("report_frc", true);
    if (params.contains("max_object_nrmse")) max_object_nrmse_ = params["max_object_nrmse"].get<double>();
    if (params.contains("max_r_factor")) max_r_factor_ = params["max_r_factor"].get<double>();
    if (max_object_nrmse_ && !input.has("truth_object")) {
      throw Error(
          ErrorCode::usage,
          "max_object_nrmse needs a scan with truth, and no earlier stage provides `truth_object`: reconstruct a "
          "simulated scan, or use max_r_factor");
    }
    return input;
  }

  void process(Packet& packet) override {
    keep_truth(packet);
    if (!packet.has("object")) return pass_on(packet);

    const Json quality = judge(packet);
    packet.metadata["quality"] = quality;
    const std::string scan = packet.metadata.value("scan", "");
    pass_on(packet);  // first, so that a result that fails can be saved and looked at
    check_limits(quality, scan);
  }

  void abandon_scan() override { truth_.reset(); }

 private:
  /// What a scan was made from may pass by with its first frames, long before the result.
  struct Truth {
    Image object;
    device::Array<std::int32_t, 2> offset_px;
    std::vector<double> powers;
  };

  void keep_truth(const Packet& packet) {
    if (!packet.has("truth_object") || !packet.has("truth_offset_px")) return;
    truth_ = Truth{plane_of(packet.at("truth_object"), 0),
                   device::Array<std::int32_t, 2>::copy_of(packet.at("truth_offset_px").view<const std::int32_t, 2>()),
                   packet.has("truth_probe") ? powers_of(packet.at("truth_probe")) : std::vector<double>{}};
  }

  void pass_on(Packet& packet) {
    const bool last = packet.ends_scan();
    emit(packet);
    if (last) truth_.reset();
  }

  Json judge(const Packet& packet) {
    Json quality = Json::object();
    std::vector<std::string> words;
    const auto probe_shape = packet.at("probe").shape();
    if (probe_shape.size() != 3) throw Error(ErrorCode::other, "`probe` is not of shape mode, y, x");
    const Extents<2> frame{probe_shape[1], probe_shape[2]};

    if (truth_) {
      const TruthComparison c = compare_with_truth(plane_of(packet.at("object"), 0), offsets(packet), truth_->object,
                                                   truth_->offset_px, frame);
      quality["object_nrmse"] = c.object_nrmse;
      quality["phase_rms_rad"] = c.phase_rms_rad;
      quality["object_shift_px"] = {c.shift.y_px, c.shift.x_px};
      words.push_back(fmt::format("object error {:.4f}, phase {:.3f} rad rms", c.object_nrmse, c.phase_rms_rad));
    }
    if (const auto r = packet.metadata.find("r_factor"); r != packet.metadata.end() && r->is_number()) {
      quality["r_factor"] = *r;
      words.push_back(fmt::format("R {:.4f}", r->get<double>()));
    }
    const auto powers = powers_of(packet.at("probe"));
    quality["mode_powers"] = powers;
    words.push_back("modes " + percent(powers));
    if (truth_ && !truth_->powers.empty()) {
      quality["true_powers"] = truth_->powers;
      words.back() += fmt::format(" (true {})", percent(truth_->powers));
    }
    Json figures = quality;
    if (packet.has("object_halves")) words.push_back(judge_halves(packet, frame, quality, figures));

    info(fmt::format("{}", fmt::join(words, ", ")));
    report({{"quality", figures}});
    return quality;
  }

  /// Adds the resolution and its curve to `quality`, and to `figures` what is reported of them, and puts it into words.
  std::string judge_halves(const Packet& packet, Extents<2> frame, Json& quality, Json& figures) const {
    const Tensor& halves = packet.at("object_halves");
    const Area area = scanned_area(offsets(packet), frame);
    const Image first = cut(plane_of(halves, 0), area);
    const Image second = align(plane_of(halves, 1), area, first).image;
    const auto pixel_size_m = packet.metadata.at("pixel_size_m").get<std::array<double, 2>>();
    const RingCorrelation rings = ring_correlation(first, second, pixel_size_m);
    const FrcThreshold kind = threshold_named(threshold_name_);
    const Resolution r = resolution(rings, kind);

    quality["frc"] = {{"half_period_m", r.half_period_m}, {"bound", text_of(r.bound)}, {"threshold", threshold_name_}};
    figures["frc"] = quality["frc"];
    std::vector<double> thresholds;
    for (const double n : rings.independent) thresholds.push_back(frc_threshold(kind, n));
    quality["frc"]["curve"] = {
        {"frequency_per_m", rings.frequency_per_m}, {"correlation", rings.correlation}, {"threshold", thresholds}};
    if (report_frc_) figures["frc"] = quality["frc"];
    const char* bound = r.bound == ResolutionBound::measured      ? ""
                        : r.bound == ResolutionBound::better_than ? "better than "
                                                                  : "worse than ";
    return fmt::format("half-period resolution {}{}", bound, length_text(r.half_period_m));
  }

  static View<const std::int32_t, 2> offsets(const Packet& packet) {
    return packet.at("view_offset_px").view<const std::int32_t, 2>();
  }

  /// @throws Error (data) if a figure is larger than the user allows, or is not there
  void check_limits(const Json& quality, const std::string& scan) const {
    check_limit(quality, scan, "object_nrmse", "max_object_nrmse", max_object_nrmse_);
    check_limit(quality, scan, "r_factor", "max_r_factor", max_r_factor_);
  }

  static void check_limit(const Json& quality, const std::string& scan, const char* figure, const char* parameter,
                          std::optional<double> limit) {
    if (!limit) return;
    const std::string of_scan = scan.empty() ? "" : " of scan '" + scan + "'";
    if (!quality.contains(figure)) {
      throw Error(ErrorCode::data, fmt::format("{}: the result{} came without {}", parameter, of_scan, figure));
    }
    const double value = quality[figure].get<double>();
    if (!(value <= *limit)) {  // NaN fails too
      throw Error(ErrorCode::data,
                  fmt::format("{}{} is {:.4f}, more than {} = {} allows", figure, of_scan, value, parameter, *limit));
    }
  }

  std::string threshold_name_;
  bool report_frc_ = true;
  std::optional<double> max_object_nrmse_;
  std::optional<double> max_r_factor_;
  std::optional<Truth> truth_;
};

}  // namespace
}  // namespace ptychoflow

PTYCHOFLOW_STAGE(ptychoflow::Compare, .name = "compare",
                 .summary = "Judges a result: error against the truth, R-factor, mode powers, ring correlation",
                 .parameters_schema = compare_schema, .consumes = {"object", "probe", "view_offset_px"})
