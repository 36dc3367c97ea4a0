#include "core/io/scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/io/scan_content.hpp"

namespace ptychoflow::io {
namespace {

struct Known {
  ScanFormat format;
  const char* name;
  const char* sign;  ///< a dataset or group that only files of the format have
  ScanContent (*read)(const InputFile&);
};

// The first whose sign there is.
constexpr std::array<Known, 6> formats{{{ScanFormat::hxn, "hxn", "/diffamp", read_hxn},
                                        {ScanFormat::ptyd, "ptyd", "/chunks", read_ptyd},
                                        {ScanFormat::eiger, "eiger", "/entry/data", read_eiger},
                                        {ScanFormat::nexus, "nexus", "/entry_1/definition", read_nexus},
                                        {ScanFormat::nexus, "nexus", "/entry_1/data", read_nexus},
                                        {ScanFormat::cxi, "cxi", "/entry_1", read_cxi}}};

const Known& format_of(const InputFile& file, std::optional<ScanFormat> wanted) {
  for (const Known& known : formats) {
    const std::string sign = known.sign;
    if (wanted ? known.format == *wanted : file.has(sign) || !file.names_in(sign).empty()) return known;
  }
  std::string signs;
  for (const Known& known : formats)
    signs += fmt::format("{}{} ({})", signs.empty() ? "" : ", ", known.sign, known.name);
  throw Error(ErrorCode::data,
              fmt::format("{}: its format is not known: looked for {}; {}", file.name(), signs, file.names_near("/x")));
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

/// Frame by frame out of a raster, many at once out of a stack.
template <class T>
void read_part(const FramePart& part, Index first, Index count, Index step, const FrameWindow& w, T* out) {
  const auto& shape = part.data.shape();
  if (shape.size() == 3) {
    part.data.read(Selection{{first, w.y, w.x}, {count, w.extent[0], w.extent[1]}, {step, 1, 1}}, out);
    return;
  }
  for (Index j = 0; j < count; ++j, out += w.extent[0] * w.extent[1]) {
    const Index frame = first + j * step;
    part.data.read(
        Selection{{frame / shape[1], frame % shape[1], w.y, w.x}, {1, 1, w.extent[0], w.extent[1]}, {1, 1, 1, 1}}, out);
  }
}

/// Counts from what HXN's files have for them: see format_hxn.cpp.
template <class T>
void read_amplitudes(const FramePart& part, Index frame, Extents<2> shape, const FrameWindow& w, T* out) {
  const auto [ny, nx] = shape;
  std::vector<double> stored(static_cast<std::size_t>(ny * nx));  // [x][y]
  part.data.read(Selection{{frame, 0, 0}, {1, nx, ny}, {1, 1, 1}}, stored.data());
  for (Index y = w.y; y < w.y + w.extent[0]; ++y) {
    const Index turned_y = (ny - 1 - y + ny / 2) % ny;
    for (Index x = w.x; x < w.x + w.extent[1]; ++x) {
      const double a = stored[static_cast<std::size_t>((x + nx / 2) % nx * ny + turned_y)];
      *out++ = static_cast<T>(a * a);
    }
  }
}

}  // namespace

const char* name_of(ScanFormat format) {
  return std::find_if(formats.begin(), formats.end(), [&](const Known& k) { return k.format == format; })->name;
}

std::optional<ScanFormat> format_named(const std::string& name) {
  const auto found = std::find_if(formats.begin(), formats.end(), [&](const Known& k) { return name == k.name; });
  return found == formats.end() ? std::nullopt : std::optional(found->format);
}

struct Scan::File {
  InputFile input;
  ScanContent content;
};

bool can_read_beside_others() {
  hbool_t can = false;
  return H5is_library_threadsafe(&can) >= 0 && can;
}

Scan::Scan(const std::filesystem::path& path, std::optional<ScanFormat> format, const Opening& opening) {
  const bool is_open =
      opening.access == Access::growing && is_being_written(path);  // asked before its frames are counted
  InputFile input(path, opening);
  const Known& known = format_of(input, format);
  ScanContent content = known.read(input);
  content.header.file = input.name();
  content.header.format = known.format;
  content.header.is_growing = content.header.is_growing || is_open;
  file_ = std::make_unique<File>(File{std::move(input), std::move(content)});
}

Scan::~Scan() = default;
Scan::Scan(Scan&&) noexcept = default;

const ScanHeader& Scan::header() const { return file_->content.header; }

template <class T>
void Scan::read_frames(Index first, Index count, Index step, const FrameWindow& window, T* out) const {
  const ScanContent& content = file_->content;
  const Index pixels = window.extent[0] * window.extent[1];
  for (const FramePart& part : content.parts) {
    const Index end = part.first + part.count;
    if (count == 0 || first >= end) continue;
    const Index here = std::min(count, (end - first + step - 1) / step);
    if (content.hxn_amplitudes) {
      for (Index j = 0; j < here; ++j)
        read_amplitudes(part, first - part.first + j * step, header().frame_shape, window, out + j * pixels);
    } else {
      read_part(part, first - part.first, here, step, window, out);
    }
    first += here * step;
    count -= here;
    out += here * pixels;
  }
  expect(count == 0, "frames that the scan has");
}
template void Scan::read_frames(Index, Index, Index, const FrameWindow&, std::uint8_t*) const;
template void Scan::read_frames(Index, Index, Index, const FrameWindow&, std::uint16_t*) const;
template void Scan::read_frames(Index, Index, Index, const FrameWindow&, std::uint32_t*) const;
template void Scan::read_frames(Index, Index, Index, const FrameWindow&, std::int32_t*) const;
template void Scan::read_frames(Index, Index, Index, const FrameWindow&, float*) const;
template void Scan::read_frames(Index, Index, Index, const FrameWindow&, double*) const;

device::Array<std::uint8_t, 2> Scan::mask() const {
  const ScanContent& content = file_->content;
  return content.mask ? content.mask() : device::Array<std::uint8_t, 2>(header().frame_shape);
}

device::Array<double, 2> Scan::dark() const {
  const auto values = file_->content.dark();
  device::Array<double, 2> mean(header().frame_shape);
  const auto pixels = static_cast<std::size_t>(mean.size());
  const double share = static_cast<double>(pixels) / static_cast<double>(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) mean.data()[i % pixels] += share * values[i];
  return mean;
}

StoredModes Scan::initial_probe() const { return read_modes(file_->input.dataset(file_->content.probe_path)); }
StoredModes Scan::truth_object() const {
  return read_modes(file_->input.dataset(file_->content.truth_path + "object"));
}
StoredModes Scan::truth_probe() const { return read_modes(file_->input.dataset(file_->content.truth_path + "probe")); }

device::Array<std::int32_t, 2> Scan::truth_offset_px() const {
  auto offsets = device::Array<std::int32_t, 2>::uninitialized({header().frame_count, 2});
  file_->input.dataset(file_->content.truth_path + "frame_offset_px").read(offsets.data());
  return offsets;
}

}  // namespace ptychoflow::io
