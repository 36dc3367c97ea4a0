// Stage `phase_unwrap`: from a reconstructed object to the phase and absorption that tomography projects back.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/phase/ramp.hpp"
#include "core/phase/residues.hpp"
#include "core/phase/unwrap.hpp"
#include "phase_unwrap_schema.hpp"
#include "plugin/api/stage.hpp"
#include "plugin/stages/phase_unwrap/projection.hpp"

namespace ptychoflow::phase_unwrap {
namespace {

using stage::Description;
using stage::Json;
using stage::Packet;
using stage::Tensor;

std::string text_of(const phase::Rectangle& r) { return fmt::format("[{}, {}, {}, {}]", r.y0, r.x0, r.y1, r.x1); }

class PhaseUnwrap : public stage::Stage {
 public:
  Description configure(const Json& params, const Description& input) override {
    method_ = params.value("method", "quality_guided") == "least_squares" ? phase::UnwrapMethod::least_squares
                                                                          : phase::UnwrapMethod::quality_guided;
    ramp_ = params.value("ramp", "auto");
    min_coverage_ = params.value("min_coverage", 0.1);
    air_.clear();
    for (const Json& r : params.value("air", Json::array())) {
      air_.push_back({r[0].get<Index>(), r[1].get<Index>(), r[2].get<Index>(), r[3].get<Index>()});
      if (air_.back().y1 > air_.back().y0 && air_.back().x1 > air_.back().x0) continue;
      throw Error(ErrorCode::usage, fmt::format("air: rectangle {} is empty: give it as [y0, x0, y1, x1], with y1 > y0 "
                                                "and x1 > x0",
                                                text_of(air_.back())));
    }
    if ((ramp_ == "air") != !air_.empty()) {
      throw Error(ErrorCode::usage, ramp_ == "air" ? "ramp: air needs `air`, a list of rectangles [y0, x0, y1, x1]"
                                                   : "`air` is used with `ramp: air` alone, and ramp is " + ramp_);
    }
    Description output = input;
    output.add("phase", "float32", {nullptr, nullptr}, "y:x", "rad");
    output.add("absorption", "float32", {nullptr, nullptr}, "y:x", "1");
    output.add("phase_weight", "float32", {nullptr, nullptr}, "y:x", "1");
    return output;
  }

  void process(Packet& packet) override {
    if (packet.has("object")) unwrap(packet, packet.metadata.value("scan", ""));
    emit(packet);
  }

 private:
  void unwrap(Packet& packet, const std::string& scan) {
    View<const float, 2> coverage;
    if (packet.has("object_coverage")) coverage = packet.at("object_coverage").view<const float, 2>();
    Projection p = take_apart(packet.at("object"), coverage, min_coverage_, scan);
    const phase::Residues residues = phase::count_residues(p.wrapped_rad, p.weight);
    phase::Map phase_rad = phase::unwrap(p.wrapped_rad, p.weight, method_);
    Json figures{{"residues", residues.positive + residues.negative}};
    const std::string how = take_ramp_away(phase_rad, p, scan, figures);
    const auto trusted = std::count_if(p.weight.begin(), p.weight.end(), [](float w) { return w > 0; });
    figures["trusted_px"] = trusted;
    for (Index i = 0; i < phase_rad.size(); ++i) {  // amplitude becomes absorption; nothing is known where no light was
      const bool known = p.weight.data()[i] > 0;
      float& a = p.amplitude.data()[i];
      a = known ? -std::log(a) : 0.0f;
      if (!known) phase_rad.data()[i] = 0;
    }
    info(fmt::format("{}{} residues, {} of {} pixels trusted, {}", scan.empty() ? "" : "scan '" + scan + "': ",
                     figures["residues"].get<Index>(), trusted, phase_rad.size(), how));
    report({{"phase_unwrap", {{scan, figures}}}});
    packet.tensors.insert_or_assign("phase", Tensor::own(std::move(phase_rad)));
    packet.tensors.insert_or_assign("absorption", Tensor::own(std::move(p.amplitude)));
    packet.tensors.insert_or_assign("phase_weight", Tensor::own(std::move(p.weight)));
  }

  /// Makes air 0 in phase and 1 in amplitude; says in words from where it knows. Without air, the bulk takes its place.
  std::string take_ramp_away(phase::Map& phase_rad, Projection& p, const std::string& scan, Json& figures) const {
    if (ramp_ == "none") {
      figures["ramp"] = "none";
      return "ramp kept";
    }
    phase::Plane plane;
    device::Array<std::uint8_t, 2> marked;
    std::string from = ramp_;
    if (ramp_ == "air") {
      marked = given_air(phase_rad.extents(), scan);
    } else if (ramp_ == "auto") {
      auto air = phase::find_air(phase_rad, p.weight);
      from = air ? "air" : "fit";
      if (air) marked = std::move(air->marked);
    }
    try {
      plane =
          marked.empty() ? phase::fit_robust_plane(phase_rad, p.weight) : phase::fit_plane(phase_rad, p.weight, marked);
    } catch (const Error& e) {
      throw Error(e.code(), fmt::format("scan '{}': {}{}", scan, e.what(),
                                        ramp_ == "air" ? ": give larger rectangles in `air`, where light was"
                                                       : ": scan a larger area, or set ramp: none"));
    }
    phase::subtract(plane, phase_rad);
    const auto scale = static_cast<float>(1 / phase::median_amplitude(p.amplitude, p.weight, marked));
    for (float& a : p.amplitude) a *= scale;
    figures["ramp"] = from;
    figures["ramp_rad_per_px"] = {plane.per_y_rad, plane.per_x_rad};
    return from == "fit"    ? "ramp fitted to the bulk"
           : ramp_ == "air" ? "ramp from the air given"
                            : "ramp from air found";
  }

  /// @throws Error (data) if a rectangle is not in the image
  device::Array<std::uint8_t, 2> given_air(Extents<2> extents, const std::string& scan) const {
    for (const phase::Rectangle& r : air_) {
      if (r.y1 <= extents[0] && r.x1 <= extents[1]) continue;
      throw Error(ErrorCode::data,
                  fmt::format("air: rectangle {} is not inside the object of scan '{}', which has {}×{} "
                              "pixels (y, x): give rectangles [y0, x0, y1, x1] inside of all scans, or "
                              "set ramp: auto",
                              text_of(r), scan, extents[0], extents[1]));
    }
    return phase::mark(air_, extents);
  }

  phase::UnwrapMethod method_ = phase::UnwrapMethod::quality_guided;
  std::string ramp_;
  double min_coverage_ = 0;
  std::vector<phase::Rectangle> air_;
};

}  // namespace
}  // namespace ptychoflow::phase_unwrap

PTYCHOFLOW_STAGE(ptychoflow::phase_unwrap::PhaseUnwrap, .name = "phase_unwrap",
                 .summary = "Unwraps the phase of a reconstructed object, and makes air 0",
                 .parameters_schema = phase_unwrap_schema, .consumes = {"object"},
                 .produces = {"phase", "absorption", "phase_weight"})
