#include "core/io/cxi.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/units.hpp"
#include "core/io/hdf5.hpp"

namespace ptychoflow::io {

namespace {

const std::string entry = "/entry_1/";
const std::string detector = "/entry_1/instrument_1/detector_1/";
const std::string source = "/entry_1/instrument_1/source_1/";
const std::string probe_path = "/entry_1/instrument_1/initial_probe";
const std::string truth = "/truth/";

constexpr std::int64_t has_signal = 0x1000;  // the one mask bit that leaves a pixel good

/// The first of `paths` that there is. @throws Error (data) listing them all
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
  return data.scalar<double>();
}

/// Extents of a stack of modes; a lone (y, x) is one mode.
Extents<3> mode_extents(const Dataset& data) {
  const auto& s = data.shape();
  if (data.kind() != Kind::complex || (data.rank() != 2 && data.rank() != 3) || data.size() == 0) {
    throw Error(ErrorCode::data, fmt::format("{}: is {} of shape {}, but must be complex of (y, x) or (mode, y, x)",
                                             data.where(), data.type_text(), data.shape_text()));
  }
  return data.rank() == 2 ? Extents<3>{1, s[0], s[1]} : Extents<3>{s[0], s[1], s[2]};
}

StoredModes read_modes(const Dataset& data) {
  const auto extents = mode_extents(data);
  const auto read_as = [&]<class T>(T) -> StoredModes {
    auto modes = device::Array<T, 3>::uninitialized(extents);
    data.read(modes.data());
    return modes;
  };
  return data.element_bytes() == sizeof(Complex<double>) ? read_as(Complex<double>{}) : read_as(Complex<float>{});
}

std::string modes_type(const Dataset& data) {
  return data.element_bytes() == sizeof(Complex<double>) ? "complex128" : "complex64";
}

void read_frames_header(const InputFile& file, CxiHeader& h) {
  h.frames_path = find_dataset(file, {entry + "data_1/data", detector + "data"}, "frames");
  const Dataset frames = file.dataset(h.frames_path);
  frames.require_rank(3, "frame, y, x");
  frames.require_numbers();
  h.frame_count = frames.shape()[0];
  h.frame_shape = {frames.shape()[1], frames.shape()[2]};
  if (frames.size() == 0) {
    throw Error(ErrorCode::data,
                fmt::format("{}: holds no frames: its shape is {}", frames.where(), frames.shape_text()));
  }
  h.frame_type = frames.type_text();
  h.negative_is_masked = frames.attribute("negative_is_masked", 0) != 0;
}

/// (N, 3) by the specification, (3, N) from PyNX; some leave out z.
void read_translation(const InputFile& file, CxiHeader& h) {
  h.translation_path = find_dataset(
      file, {entry + "data_1/translation", entry + "sample_1/geometry_1/translation", detector + "translation"},
      "positions");
  const Dataset data = file.dataset(h.translation_path);
  data.require_rank(2, "frame and x, y, z");
  data.require_numbers();
  const Index rows = data.shape()[0], columns = data.shape()[1];
  const auto is_space = [](Index n) { return n == 2 || n == 3; };
  const bool by_row = rows == h.frame_count && is_space(columns);
  if (!by_row && !(columns == h.frame_count && is_space(rows))) {
    throw Error(ErrorCode::data,
                fmt::format("{}: has the shape {}, but the {} frames in {} need ({}, 3) or (3, {})", data.where(),
                            data.shape_text(), h.frame_count, h.frames_path, h.frame_count, h.frame_count));
  }
  const auto values = data.read<double>();
  const auto at = [&](Index row, Index column) { return values[static_cast<std::size_t>(row * columns + column)]; };
  for (Index j = 0; j < h.frame_count; ++j) {
    h.translation_m.push_back(by_row ? std::array{at(j, 0), at(j, 1)} : std::array{at(0, j), at(1, j)});
  }
}

void read_instrument(const InputFile& file, CxiHeader& h) {
  h.energy_J = find_number(file, source + "energy");
  if (!h.energy_J) {
    if (const auto wavelength_m = find_number(file, source + "wavelength")) {
      h.energy_J = energy_J_from_wavelength_m(*wavelength_m);
    }
  }
  h.distance_m = find_number(file, detector + "distance");
  h.pixel_y_m = find_number(file, detector + "y_pixel_size");
  h.pixel_x_m = find_number(file, detector + "x_pixel_size");
  if (!h.pixel_y_m) h.pixel_y_m = h.pixel_x_m;
  if (!h.pixel_x_m) h.pixel_x_m = h.pixel_y_m;
}

/// `path` must hold numbers of the frames' y, x; with `stacked`, several of them too.
void require_frame_shape(const Dataset& data, const CxiHeader& h, bool stacked) {
  data.require_numbers();
  const auto& s = data.shape();
  const bool fits = (s.size() == 2 || (stacked && s.size() == 3 && s[0] > 0)) &&
                    std::equal(h.frame_shape.begin(), h.frame_shape.end(), s.end() - 2);
  if (!fits) {
    throw Error(ErrorCode::data, fmt::format("{}: has the shape {}, but the frames are ({}, {})", data.where(),
                                             data.shape_text(), h.frame_shape[0], h.frame_shape[1]));
  }
}

void read_extras(const InputFile& file, CxiHeader& h) {
  h.has_mask = file.has(detector + "mask");
  if (h.has_mask) require_frame_shape(file.dataset(detector + "mask"), h, false);
  h.has_dark = file.has(detector + "data_dark");
  if (h.has_dark) require_frame_shape(file.dataset(detector + "data_dark"), h, true);
  if (file.has(probe_path)) {
    const Dataset probe = file.dataset(probe_path);
    h.initial_probe = mode_extents(probe);
    h.initial_probe_type = modes_type(probe);
  }
  h.has_truth = file.has(truth + "object") && file.has(truth + "probe") && file.has(truth + "frame_offset_px");
  if (!h.has_truth) return;
  const Dataset object = file.dataset(truth + "object"), probe = file.dataset(truth + "probe");
  h.truth_object = mode_extents(object);
  h.truth_probe = mode_extents(probe);
  h.truth_object_type = modes_type(object);
  h.truth_probe_type = modes_type(probe);
  const Dataset offsets = file.dataset(truth + "frame_offset_px");
  offsets.require_numbers();
  if (offsets.shape() != std::vector<Index>{h.frame_count, 2}) {
    throw Error(ErrorCode::data, fmt::format("{}: has the shape {}, but must be ({}, 2)", offsets.where(),
                                             offsets.shape_text(), h.frame_count));
  }
}

}  // namespace

struct CxiScan::File {
  InputFile input;
  Dataset frames;
};

CxiScan::CxiScan(const std::filesystem::path& path) {
  InputFile input(path);
  header_.file = input.name();
  read_frames_header(input, header_);
  read_translation(input, header_);
  read_instrument(input, header_);
  read_extras(input, header_);
  Dataset frames = input.dataset(header_.frames_path);
  file_ = std::make_unique<File>(File{std::move(input), std::move(frames)});
}

CxiScan::~CxiScan() = default;
CxiScan::CxiScan(CxiScan&&) noexcept = default;

template <class T>
void CxiScan::read_frames(Index first, Index count, Index step, const FrameWindow& window, T* out) const {
  file_->frames.read(Selection{{first, window.y, window.x}, {count, window.extent[0], window.extent[1]}, {step, 1, 1}},
                     out);
}
template void CxiScan::read_frames(Index, Index, Index, const FrameWindow&, std::uint8_t*) const;
template void CxiScan::read_frames(Index, Index, Index, const FrameWindow&, std::uint16_t*) const;
template void CxiScan::read_frames(Index, Index, Index, const FrameWindow&, std::uint32_t*) const;
template void CxiScan::read_frames(Index, Index, Index, const FrameWindow&, std::int32_t*) const;
template void CxiScan::read_frames(Index, Index, Index, const FrameWindow&, float*) const;
template void CxiScan::read_frames(Index, Index, Index, const FrameWindow&, double*) const;

device::Array<std::uint8_t, 2> CxiScan::mask() const {
  device::Array<std::uint8_t, 2> mask(header_.frame_shape);
  if (!header_.has_mask) return mask;
  const auto bits = file_->input.dataset(detector + "mask").read<std::int64_t>();
  std::transform(bits.begin(), bits.end(), mask.begin(),
                 [](std::int64_t b) -> std::uint8_t { return b != 0 && b != has_signal; });
  return mask;
}

device::Array<double, 2> CxiScan::dark() const {
  const auto values = file_->input.dataset(detector + "data_dark").read<double>();
  device::Array<double, 2> mean(header_.frame_shape);
  const auto pixels = static_cast<std::size_t>(mean.size());
  const double share = static_cast<double>(pixels) / static_cast<double>(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) mean.data()[i % pixels] += share * values[i];
  return mean;
}

StoredModes CxiScan::initial_probe() const { return read_modes(file_->input.dataset(probe_path)); }
StoredModes CxiScan::truth_object() const { return read_modes(file_->input.dataset(truth + "object")); }
StoredModes CxiScan::truth_probe() const { return read_modes(file_->input.dataset(truth + "probe")); }

device::Array<std::int32_t, 2> CxiScan::truth_offset_px() const {
  auto offsets = device::Array<std::int32_t, 2>::uninitialized({header_.frame_count, 2});
  file_->input.dataset(truth + "frame_offset_px").read(offsets.data());
  return offsets;
}

}  // namespace ptychoflow::io
