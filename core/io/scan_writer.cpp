#include "core/io/scan_writer.hpp"

#include <algorithm>
#include <vector>

#include "core/base/version.hpp"
#include "core/io/frame_types.hpp"
#include "core/io/hdf5_output.hpp"

namespace ptychoflow::io {

namespace {

const std::string entry = "/entry_1/";
const std::string detector = "/entry_1/instrument_1/detector_1/";
const std::string translation = "/entry_1/sample_1/geometry_1/translation";

void write_modes(OutputFile& out, const std::string& path, const ModeStack& stack) {
  std::visit(
      [&](auto modes) {
        out.write(path, modes, {chunk_of_rows(modes.extents(), sizeof(*modes.data())), default_deflate});
      },
      stack);
}

}  // namespace

struct ScanWriter::File {
  OutputFile out;
};

ScanWriter::ScanWriter(std::unique_ptr<File> file) : file_(std::move(file)) {}
ScanWriter::~ScanWriter() = default;
ScanWriter::ScanWriter(ScanWriter&&) noexcept = default;

ScanWriter ScanWriter::create(const std::filesystem::path& file, const ScanLayout& layout) {
  OutputFile out = OutputFile::create(file);
  out.write("/cxi_version", std::int64_t{160});
  out.attribute("/", "creator", "ptychoflow");
  out.attribute("/", "version", version);
  out.attribute("/entry_1", "NX_class", "NXentry");
  if (!layout.title.empty()) out.write(entry + "title", layout.title);

  const Storage by_frame{{1, layout.frame[0], layout.frame[1]}, layout.deflate};
  with_frame_type(layout.frame_type, [&]<class T>(std::type_identity<T>) {
    out.declare<T>(detector + "data", {layout.frame_count, layout.frame[0], layout.frame[1]}, by_frame);
  });
  if (layout.negative_is_masked) out.attribute(detector + "data", "negative_is_masked", std::int64_t{1});
  out.write(detector + "distance", layout.distance_m);
  out.write(detector + "y_pixel_size", layout.detector_pixel_m[0]);
  out.write(detector + "x_pixel_size", layout.detector_pixel_m[1]);
  out.write(entry + "instrument_1/source_1/energy", layout.energy_J);
  out.declare<double>(translation, {layout.frame_count, 3}, {});
  out.attribute(translation, "units", "m");

  out.attribute(entry + "data_1", "NX_class", "NXdata");
  out.link(entry + "data_1/data", detector + "data");
  out.link(entry + "data_1/translation", translation);
  return ScanWriter(std::make_unique<File>(File{std::move(out)}));
}

ScanWriter ScanWriter::reopen(const std::filesystem::path& file) {
  return ScanWriter(std::make_unique<File>(File{OutputFile::reopen(file)}));
}

template <class T>
void ScanWriter::write_frames(Index first, View<const T, 3> frames) {
  file_->out.write_rows(detector + "data", first, frames);
}
template void ScanWriter::write_frames(Index, View<const std::uint8_t, 3>);
template void ScanWriter::write_frames(Index, View<const std::uint16_t, 3>);
template void ScanWriter::write_frames(Index, View<const std::uint32_t, 3>);
template void ScanWriter::write_frames(Index, View<const std::int32_t, 3>);
template void ScanWriter::write_frames(Index, View<const float, 3>);
template void ScanWriter::write_frames(Index, View<const double, 3>);

void ScanWriter::write_positions(Index first, View<const double, 2> positions_m) {
  std::vector<double> xyz;
  for (Index j = 0; j < positions_m.extent(0); ++j) {
    xyz.insert(xyz.end(), {positions_m(j, 1), positions_m(j, 0), 0.0});
  }
  file_->out.write_rows(translation, first, View<const double, 2>(xyz.data(), {positions_m.extent(0), 3}));
}

void ScanWriter::write_mask(View<const std::uint8_t, 2> mask) {
  // CXI: bit 0 says that a pixel is invalid
  const std::vector<std::uint32_t> bits(mask.begin(), mask.end());
  file_->out.write(detector + "mask", View<const std::uint32_t, 2>(bits.data(), mask.extents()));
}

void ScanWriter::write_initial_probe(const ModeStack& probe) {
  write_modes(file_->out, entry + "instrument_1/initial_probe", probe);
}

void ScanWriter::write_truth(const ModeStack& object, const ModeStack& probe, View<const std::int32_t, 2> offset_px) {
  write_modes(file_->out, "/truth/object", object);
  write_modes(file_->out, "/truth/probe", probe);
  file_->out.write("/truth/frame_offset_px", offset_px);
}

void ScanWriter::close() { file_->out.close(); }

}  // namespace ptychoflow::io
