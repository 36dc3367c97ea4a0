#include "plugin/host/stream_check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "core/base/error.hpp"

namespace ptychoflow::host {
namespace {

constexpr std::array types = {"uint8", "uint16", "uint32",  "uint64",  "int8",      "int16",
                              "int32", "int64",  "float32", "float64", "complex64", "complex128"};

void require(bool condition, const std::string& what) {
  if (!condition) throw Error(ErrorCode::other, "its description of its output is wrong: " + what);
}

void check_tensor(const std::string& name, const Json& tensor) {
  require(tensor.is_object(), "tensor `" + name + "` is not an object");
  const Json dtype = tensor.value("dtype", Json());
  require(dtype.is_string() && std::find(types.begin(), types.end(), dtype.get<std::string>()) != types.end(),
          fmt::format("tensor `{}` has dtype {}; there are {}", name, dtype.dump(), fmt::join(types, ", ")));
  const Json shape = tensor.value("shape", Json());
  require(shape.is_array() && std::all_of(shape.begin(), shape.end(),
                                          [](const Json& extent) {
                                            return extent.is_null() || (extent.is_number_integer() && extent >= 0);
                                          }),
          fmt::format("tensor `{}` has shape {}; expected a list of integers from 0, null where it varies", name,
                      shape.dump()));
  for (const char* key : {"axes", "unit"}) {
    require(!tensor.contains(key) || tensor[key].is_string(), fmt::format("tensor `{}`: {} is not a text", name, key));
  }
  if (const std::string axes = tensor.value("axes", ""); !axes.empty()) {
    require(static_cast<std::size_t>(std::count(axes.begin(), axes.end(), ':')) + 1 == shape.size(),
            fmt::format("tensor `{}` has axes \"{}\" but shape {}", name, axes, shape.dump()));
  }
}

}  // namespace

Json empty_stream() { return {{"tensors", Json::object()}, {"metadata", Json::object()}}; }

Json parse_stream(const char* text) {
  require(text != nullptr, "there is none");
  Json stream;
  try {
    stream = Json::parse(text);
  } catch (const Json::exception& e) {
    require(false, std::string("it is not JSON: ") + e.what());
  }
  require(stream.is_object(), "it is not a JSON object");
  for (const char* key : {"tensors", "metadata"}) {
    if (!stream.contains(key)) stream[key] = Json::object();
    require(stream[key].is_object(), fmt::format("`{}` is not an object", key));
  }
  for (const auto& [name, tensor] : stream["tensors"].items()) check_tensor(name, tensor);
  return stream;
}

void check_place(const Pipeline& pipeline, std::size_t place, const std::vector<std::string>& consumes,
                 const Json& input) {
  const std::string where = fmt::format("{}: /stages/{}: ", pipeline.file, place);
  const std::string& id = pipeline.stages[place].id;
  if (consumes.empty() && place > 0) {
    throw Error(ErrorCode::usage, fmt::format("{}{} is a source (it takes no data) and can only come first; put it "
                                              "into a pipeline of its own",
                                              where, id));
  }
  std::vector<std::string> missing, present;
  for (const auto& [name, tensor] : input["tensors"].items()) present.push_back(name);
  for (const auto& name : consumes) {
    if (!input["tensors"].contains(name)) missing.push_back("`" + name + "`");
  }
  if (missing.empty()) return;
  const std::string provided = place == 0 ? "begin with a stage that loads or simulates data (see `ptychoflow stages`)"
                                          : fmt::format("there is only {}", fmt::join(present, ", "));
  throw Error(ErrorCode::usage, fmt::format("{}{} needs {}; no earlier stage provides {} ({})", where, id,
                                            fmt::join(missing, ", "), missing.size() == 1 ? "it" : "them", provided));
}

std::string describe_tensor(const Json& tensor) {
  std::vector<std::string> extents;
  for (const Json& extent : tensor["shape"]) extents.push_back(extent.is_null() ? "?" : extent.dump());
  return fmt::format("{} [{}]", tensor["dtype"].get<std::string>(), fmt::join(extents, ","));
}

}  // namespace ptychoflow::host
