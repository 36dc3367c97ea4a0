#include "core/io/scan_content.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>

#include "core/base/units.hpp"

namespace ptychoflow::io {
namespace {

/// Factors to SI units.
const std::map<std::string, double, std::less<>>& units() {
  static const std::map<std::string, double, std::less<>> known = {{"", 1},
                                                                   {"m", 1},
                                                                   {"meter", 1},
                                                                   {"metre", 1},
                                                                   {"meters", 1},
                                                                   {"metres", 1},
                                                                   {"mm", 1e-3},
                                                                   {"um", 1e-6},
                                                                   {"µm", 1e-6},
                                                                   {"micron", 1e-6},
                                                                   {"microns", 1e-6},
                                                                   {"micrometer", 1e-6},
                                                                   {"nm", 1e-9},
                                                                   {"pm", 1e-12},
                                                                   {"angstrom", 1e-10},
                                                                   {"Angstrom", 1e-10},
                                                                   {"Å", 1e-10},
                                                                   {"A", 1e-10},
                                                                   {"J", 1},
                                                                   {"joule", 1},
                                                                   {"eV", elementary_charge_C},
                                                                   {"keV", 1e3 * elementary_charge_C},
                                                                   {"deg", 1},
                                                                   {"degree", 1},
                                                                   {"degrees", 1}};
  return known;
}

double unit_of(const Dataset& data) {
  const std::string name = data.text_attribute("units");
  const auto unit = units().find(name);
  if (unit == units().end()) {
    throw Error(ErrorCode::data, fmt::format("{}: its unit is '{}', which is not known: correct the attribute units",
                                             data.where(), name));
  }
  return unit->second;
}

/// `data` must hold numbers of the frames' y, x; with `stacked`, several of them too.
void require_frame_shape(const Dataset& data, const ScanHeader& h, bool stacked) {
  data.require_numbers();
  const auto& s = data.shape();
  const bool fits = (s.size() == 2 || (stacked && s.size() == 3 && s[0] > 0)) &&
                    std::equal(h.frame_shape.begin(), h.frame_shape.end(), s.end() - 2);
  if (!fits) {
    throw Error(ErrorCode::data, fmt::format("{}: has the shape {}, but the frames are ({}, {})", data.where(),
                                             data.shape_text(), h.frame_shape[0], h.frame_shape[1]));
  }
}

/// A few bytes in a file can say that a frame, or a compressed chunk of some, is larger than any memory.
void check_size(const Dataset& data, Extents<2> frame) {
  constexpr Index most_pixels_a_side = 32768;
  constexpr std::uint64_t most_bytes_a_chunk = std::uint64_t{1} << 30;
  if (std::max(frame[0], frame[1]) > most_pixels_a_side) {
    throw Error(ErrorCode::data, fmt::format("{}: frames of {} × {} pixels: no detector has more than {} a side",
                                             data.where(), frame[0], frame[1], most_pixels_a_side));
  }
  if (data.chunk_bytes() > most_bytes_a_chunk) {
    throw Error(
        ErrorCode::data,
        fmt::format("{}: its chunks are of {:.1f} GiB each, which must be unpacked to read one frame: write it again "
                    "with a few frames a chunk (h5repack -l CHUNK=1x{}x{})",
                    data.where(), static_cast<double>(data.chunk_bytes()) / (1 << 30), frame[0], frame[1]));
  }
}

}  // namespace

std::string find_dataset(const InputFile& file, const std::vector<std::string>& paths, const char* what) {
  for (const auto& path : paths) {
    if (file.has(path)) return path;
  }
  throw Error(ErrorCode::data, fmt::format("{}: no {}: looked for {}; {}", file.name(), what, fmt::join(paths, ", "),
                                           file.names_near(paths.front())));
}

std::optional<double> find_number(const InputFile& file, const std::string& path) {
  if (!file.has(path)) return {};
  const Dataset data = file.dataset(path);
  data.require_numbers();
  return data.scalar<double>() * unit_of(data);
}

void add_frames(ScanContent& content, Dataset data) {
  if (data.rank() != 4) data.require_rank(3, "frame, y, x");
  data.require_numbers();
  const auto& shape = data.shape();
  ScanHeader& h = content.header;
  if (data.size() == 0) {
    throw Error(ErrorCode::data, fmt::format("{}: holds no frames: its shape is {}", data.where(), data.shape_text()));
  }
  const Extents<2> frame{shape[shape.size() - 2], shape[shape.size() - 1]};
  if (content.parts.empty()) {
    h.frames_path = data.path();
    h.frame_shape = frame;
    h.frame_type = data.type_text();
    h.negative_is_masked = data.attribute("negative_is_masked", 0) != 0;
  } else if (frame != h.frame_shape || data.type_text() != h.frame_type) {
    throw Error(ErrorCode::data,
                fmt::format("{}: frames of {} {}, but those in {} are of ({}, {}) {}", data.where(), data.shape_text(),
                            data.type_text(), h.frames_path, h.frame_shape[0], h.frame_shape[1], h.frame_type));
  }
  check_size(data, frame);
  const Index count = data.size() / (frame[0] * frame[1]);
  content.parts.push_back({std::move(data), h.frame_count, count});
  h.frame_count += count;
}

void set_translation(ScanHeader& h, const Dataset& data) {
  h.translation_path = data.path();
  data.require_rank(2, "frame and x, y, z");
  data.require_numbers();
  const Index rows = data.shape()[0], columns = data.shape()[1];
  const auto is_space = [](Index n) { return n == 2 || n == 3; };
  const auto is_count = [&](Index n) { return n == h.frame_count || data.access() == Access::growing; };
  const bool by_row = is_count(rows) && is_space(columns);
  if (!by_row && !(is_count(columns) && is_space(rows))) {
    throw Error(ErrorCode::data,
                fmt::format("{}: has the shape {}, but the {} frames in {} need ({}, 3) or (3, {})", data.where(),
                            data.shape_text(), h.frame_count, h.frames_path, h.frame_count, h.frame_count));
  }
  h.frame_count = std::min(h.frame_count, by_row ? rows : columns);
  const auto values = data.read<double>();
  const double unit = unit_of(data);
  const auto at = [&](Index row, Index column) {
    return unit * values[static_cast<std::size_t>(row * columns + column)];
  };
  for (Index j = 0; j < h.frame_count; ++j) {
    h.translation_m.push_back(by_row ? std::array{at(j, 0), at(j, 1)} : std::array{at(0, j), at(1, j)});
  }
}

void set_translation(ScanHeader& h, const Dataset& x, const Dataset& y, double scale_x, double scale_y) {
  h.translation_path = x.path();
  for (const Dataset* data : {&x, &y}) {
    data->require_numbers();
    if (data->size() != h.frame_count && data->access() == Access::finished) {
      throw Error(ErrorCode::data, fmt::format("{}: has the shape {}, but there are {} frames in {}", data->where(),
                                               data->shape_text(), h.frame_count, h.frames_path));
    }
  }
  const auto xs = x.read<double>(), ys = y.read<double>();
  scale_x *= unit_of(x), scale_y *= unit_of(y);
  h.frame_count = std::min({h.frame_count, x.size(), y.size()});
  for (std::size_t j = 0; j < static_cast<std::size_t>(h.frame_count); ++j)
    h.translation_m.push_back({scale_x * xs[j], scale_y * ys[j]});
}

void set_mask(ScanContent& content, const Dataset& data, const std::function<bool(std::int64_t)>& bad) {
  require_frame_shape(data, content.header, false);
  content.mask = [bits = data.read<std::int64_t>(), shape = content.header.frame_shape, bad] {
    auto mask = device::Array<std::uint8_t, 2>::uninitialized(shape);
    std::transform(bits.begin(), bits.end(), mask.begin(), [&](std::int64_t b) -> std::uint8_t { return bad(b); });
    return mask;
  };
}

void set_dark(ScanContent& content, const Dataset& data) {
  require_frame_shape(data, content.header, true);
  content.header.has_dark = true;
  content.dark = [values = data.read<double>()] { return values; };
}

Extents<3> mode_extents(const Dataset& data) {
  const auto& s = data.shape();
  if (data.kind() != Kind::complex || (data.rank() != 2 && data.rank() != 3) || data.size() == 0) {
    throw Error(ErrorCode::data, fmt::format("{}: is {} of shape {}, but must be complex of (y, x) or (mode, y, x)",
                                             data.where(), data.type_text(), data.shape_text()));
  }
  return data.rank() == 2 ? Extents<3>{1, s[0], s[1]} : Extents<3>{s[0], s[1], s[2]};
}

}  // namespace ptychoflow::io
