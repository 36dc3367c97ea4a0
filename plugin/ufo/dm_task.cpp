#include "plugin/ufo/dm_task.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <complex>
#include <cstdlib>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "plugin/embed/embedded_run.hpp"
#include "plugin/host/schema_check.hpp"
#include "plugin/host/stage_library.hpp"
#include "plugin/host/yaml_document.hpp"
#include "plugin/host/yaml_scalar.hpp"
#include "plugin/ufo/dm_properties.hpp"

namespace ptychoflow::ufo {
namespace {

using stage::Json;
using stage::Tensor;

enum class Part { phase, amplitude, both, real };

struct Output {
  const char* tensor;
  Part part;
  bool is_unwrapped = false;
};

const std::map<std::string, Output> outputs{{"object-phase", {"object", Part::phase}},
                                            {"object-amplitude", {"object", Part::amplitude}},
                                            {"object", {"object", Part::both}},
                                            {"probe-amplitude", {"probe", Part::amplitude}},
                                            {"probe", {"probe", Part::both}},
                                            {"phase", {"phase", Part::real, true}},
                                            {"absorption", {"absorption", Part::real, true}}};

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorCode::usage, why); }

double number(const std::string& property, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0') refuse(fmt::format("{}: '{}' is not a number", property, text));
  return value;
}

/// What a text means in YAML: a mapping or a list in flow style, or a scalar.
Json yaml_value(const std::string& property, const std::string& text) {
  if (!text.starts_with('{') && !text.starts_with('[')) return host::resolve_override(text);
  std::vector<host::Fault> faults;
  const host::YamlDocument document = host::parse_yaml(text, faults);
  if (!faults.empty()) refuse(fmt::format("{}: '{}': {}", property, text, faults.front().text));
  return document.root;
}

template <class T>
std::vector<float> values_of(const Tensor& tensor, Part part) {
  std::int64_t count = 1;
  for (const std::int64_t extent : tensor.shape()) count *= extent;
  const auto* from = reinterpret_cast<const T*>(static_cast<const char*>(tensor.dl().data) + tensor.dl().byte_offset);
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::complex<double> value(from[i]);
    if (part == Part::phase) {
      values.push_back(static_cast<float>(std::arg(value)));
    } else if (part == Part::amplitude) {
      values.push_back(static_cast<float>(std::abs(value)));
    } else {
      values.push_back(static_cast<float>(value.real()));
      if (part == Part::both) values.push_back(static_cast<float>(value.imag()));
    }
  }
  return values;
}

Image image_of(const Tensor& tensor, Part part) {
  Image image{.shape = tensor.shape(),
              .values = tensor.holds<Complex<double>>()  ? values_of<std::complex<double>>(tensor, part)
                        : tensor.holds<Complex<float>>() ? values_of<std::complex<float>>(tensor, part)
                                                         : values_of<float>(tensor, part)};
  if (image.shape.size() == 3 && image.shape[0] == 1) image.shape.erase(image.shape.begin());
  if (part == Part::both) image.shape.back() *= 2;
  return image;
}

embed::LentArray lent(void* data, DLDataType type, std::vector<std::int64_t> shape) {
  return {data, type, std::move(shape)};
}

}  // namespace

std::string DmTask::get(const std::string& property) const {
  if (const auto found = values_.find(property); found != values_.end()) return found->second;
  for (const Property& one : dm_properties()) {
    if (one.name == property) return one.standard;
  }
  return "";
}

Json DmTask::parameters() const {
  Json set = Json::object();
  for (const Property& one : dm_properties()) {
    const auto value = values_.find(one.name);
    if (one.is_parameter && value != values_.end()) set[one.name] = yaml_value(one.name, value->second);
  }
  return set;
}

std::string DmTask::pipeline() const {
  Json stages = Json::array({{{"stage", "arrays"}}, {{"stage", "ptycho_dm"}, {"params", parameters()}}});
  if (outputs.at(get("output")).is_unwrapped) stages.push_back({{"stage", "phase_unwrap"}});
  stages.push_back({{"stage", "result"}});
  return Json{{"name", "ptychoflow-dm"}, {"stages", stages}}.dump();
}

void DmTask::prepare() {
  const std::string output = get("output"), positions = get("positions");
  if (!outputs.contains(output)) {
    std::vector<std::string> known;
    for (const auto& entry : outputs) known.push_back(entry.first);
    refuse(fmt::format("output is '{}'; it may be {}", output, fmt::join(known, ", ")));
  }
  for (const char* name : {"energy_ev", "distance_m", "detector_pixel_m"}) {
    if (!(number(name, get(name)) > 0)) refuse(fmt::format("{} is missing: give it, greater than 0", name));
  }
  if (positions.empty()) {
    refuse("positions is missing: name a text file with x and y of each frame, in metres, or FILE.h5:/DATASET");
  }
  const std::size_t colon = positions.rfind(":/");
  positions_ =
      io::read_positions(positions.substr(0, colon), colon == std::string::npos ? "" : positions.substr(colon + 1));
  const Json schema = host::StageLibrary(stage_folders()).parameters_schema("ptycho_dm");
  std::vector<std::string> faults;
  for (const auto& fault : host::check_schema(schema, parameters(), host::Pointer(), "parameter")) {
    faults.push_back(fmt::format("{}: {}", fault.pointer.to_string().substr(1), fault.text));
  }
  if (!faults.empty()) refuse(fmt::format("{}", fmt::join(faults, "; ")));
}

bool DmTask::take(const float* frame, std::int64_t height, std::int64_t width) {
  const auto count = static_cast<std::int64_t>(positions_.x_y_m.size());
  if (taken_ == 0) {
    height_ = height;
    width_ = width;
    frames_.reserve(static_cast<std::size_t>(count * height * width));
  }
  if (height != height_ || width != width_) {
    throw Error(ErrorCode::data, fmt::format("frame {} of scan {} is {} × {}, those before are {} × {}", taken_, scans_,
                                             height, width, height_, width_));
  }
  frames_.insert(frames_.end(), frame, frame + height * width);
  return ++taken_ < count;
}

Image DmTask::reconstruct() {
  const auto count = static_cast<std::int64_t>(positions_.x_y_m.size());
  if (taken_ != count) {
    throw Error(ErrorCode::data, fmt::format("scan {} has {} frames, but {} has {} positions: they must be as many",
                                             scans_, taken_, positions_.where, count));
  }
  std::vector<double> y_x_m;
  for (const auto& [x, y] : positions_.x_y_m) y_x_m.insert(y_x_m.end(), {y, x});
  const double pixel_m = number("detector_pixel_m", get("detector_pixel_m"));
  const double energy_J = number("energy_ev", get("energy_ev")) * elementary_charge_C;
  embed::Exchange exchange;
  exchange.scan = {.frames = lent(frames_.data(), stage::data_type<float>(), {count, height_, width_}),
                   .positions_m = lent(y_x_m.data(), stage::data_type<double>(), {count, 2}),
                   .mask = {},
                   .initial_probe = {},
                   .metadata = {{"scan", fmt::format("scan_{}", scans_)},
                                {"source", "ufo"},
                                {"wavelength_m", wavelength_m_from_energy_J(energy_J)},
                                {"distance_m", number("distance_m", get("distance_m"))},
                                {"detector_pixel_m", {pixel_m, pixel_m}},
                                {"negative_is_masked", true}}};
  const embed::Outcome outcome = embed::run({.text = pipeline(),
                                             .name = "ptychoflow-dm",
                                             .variables = {},
                                             .stage_folders = stage_folders(),
                                             .threads = static_cast<int>(number("threads", get("threads"))),
                                             .backend = get("backend"),
                                             .command = "ufo",
                                             .quiet = get("quiet") == "true"},
                                            &exchange, {});
  if (!outcome.verdict.ok()) {
    const comm::Failure& first = outcome.verdict.failures.front();
    throw Error(first.code, fmt::format("scan {}: {}", scans_, first.message));
  }
  frames_.clear();
  taken_ = 0;
  ++scans_;
  const Output& output = outputs.at(get("output"));
  return image_of(exchange.result.at(output.tensor), output.part);
}

}  // namespace ptychoflow::ufo
