// PtyPy's prepared data (.ptyd): frames in chunks, each with weights and positions.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/base/units.hpp"
#include "core/io/scan_content.hpp"

namespace ptychoflow::io {
namespace {

const std::string chunks = "/chunks/";
const std::string meta = "/meta/";

/// Positions are (y, x), in metres.
void add_positions(ScanHeader& h, const Dataset& data, Index frames) {
  data.require_rank(2, "frame and y, x");
  data.require_numbers();
  if (data.shape() != std::vector<Index>{frames, 2}) {
    throw Error(ErrorCode::data, fmt::format("{}: has the shape {}, but its chunk has {} frames", data.where(),
                                             data.shape_text(), frames));
  }
  const auto values = data.read<double>();
  for (std::size_t j = 0; j < values.size(); j += 2) h.translation_m.push_back({values[j + 1], values[j]});
}

/// Pixels that have no weight in any frame of the chunk are not measured.
void set_weights(ScanContent& content, const Dataset& data) {
  data.require_numbers();
  const auto weights = data.read<double>();
  const Extents<2> shape = content.header.frame_shape;
  const auto pixels = static_cast<std::size_t>(shape[0] * shape[1]);
  if (weights.size() % pixels != 0 || weights.empty()) {
    throw Error(ErrorCode::data, fmt::format("{}: has the shape {}, but the frames are ({}, {})", data.where(),
                                             data.shape_text(), shape[0], shape[1]));
  }
  std::vector<std::uint8_t> bad(pixels, 1);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] > 0) bad[i % pixels] = 0;
  }
  content.mask = [bad, shape] {
    auto mask = device::Array<std::uint8_t, 2>::uninitialized(shape);
    std::copy(bad.begin(), bad.end(), mask.begin());
    return mask;
  };
}

}  // namespace

ScanContent read_ptyd(const InputFile& file) {
  ScanContent content;
  ScanHeader& h = content.header;
  auto names = file.names_in("/chunks");
  std::ranges::sort(names, [](const auto& a, const auto& b) { return ::strverscmp(a.c_str(), b.c_str()) < 0; });
  if (names.empty()) throw Error(ErrorCode::data, file.name() + ": /chunks has no chunk, so there are no frames");
  for (const auto& name : names) {
    const std::string chunk = chunks + name + '/';
    add_frames(content, file.dataset(chunk + "data"));
    h.translation_path = chunk + "positions";
    add_positions(h, file.dataset(h.translation_path), content.parts.back().count);
    if (!content.mask && file.has(chunk + "weights")) set_weights(content, file.dataset(chunk + "weights"));
  }
  if (const auto keV = find_number(file, meta + "energy")) h.energy_J = energy_J_from_keV(*keV);
  h.distance_m = find_number(file, meta + "distance");
  if (file.has(meta + "psize")) {
    const Dataset pixel = file.dataset(meta + "psize");
    pixel.require_numbers();
    const auto sizes = pixel.read<double>();
    if (!sizes.empty()) h.pixel_y_m = sizes.front(), h.pixel_x_m = sizes.back();
  }
  return content;
}

}  // namespace ptychoflow::io
