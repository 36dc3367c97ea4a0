#include "core/io/data_exchange.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/base/version.hpp"
#include "core/io/hdf5_output.hpp"

namespace ptychoflow::io {

namespace {

void describe(OutputFile& out, const std::string& path, const char* axes, const char* units, const char* description) {
  if (axes) out.attribute(path, "axes", axes);
  out.attribute(path, "units", units);
  out.attribute(path, "description", description);
}

void write_number(OutputFile& out, const std::string& path, double value, const char* units) {
  out.write(path, value);
  out.attribute(path, "units", units);
}

/// What projections and volumes begin with.
void write_head(OutputFile& out, const std::string& title, double wavelength_m) {
  out.write("/implements", std::string("exchange"));
  out.attribute("/", "creator", "ptychoflow");
  out.attribute("/", "version", version);
  if (!title.empty()) out.write("/exchange/title", title);
  if (wavelength_m > 0) {
    const double energy_keV = energy_J_from_wavelength_m(wavelength_m) / energy_J_from_keV(1);
    write_number(out, "/measurement/instrument/monochromator/energy", energy_keV, "keV");
  }
}

OutputFile started(const std::filesystem::path& temporary, const VolumeLayout& layout) {
  const auto& shape = layout.shape;
  expect(std::all_of(shape.begin(), shape.end(), [](Index n) { return n > 0; }), "a volume without voxels");
  OutputFile out = OutputFile::create(temporary);
  write_head(out, layout.title, layout.wavelength_m);
  out.declare<float>("/exchange/data", {shape.begin(), shape.end()}, {});
  describe(out, "/exchange/data", "z:y:x", "1",
           "delta: refractive index n = 1 - delta + i beta; z along the rotation axis");
  if (layout.beta == Beta::present) {
    out.declare<float>("/exchange/data_beta", {shape.begin(), shape.end()}, {});
    describe(out, "/exchange/data_beta", "z:y:x", "1", "beta: refractive index n = 1 - delta + i beta");
  }
  out.write("/exchange/voxel_size", View<const double, 1>(layout.voxel_size_m.data(), {3}));
  describe(out, "/exchange/voxel_size", nullptr, "m", "z, y, x");
  return out;
}

}  // namespace

void write_exchange_projections(const std::filesystem::path& file, const ProjectionSeries& series,
                                Overwrite overwrite) {
  check_series(series);
  AtomicFile target(file, overwrite);
  OutputFile out = OutputFile::create(target.temporary());
  write_head(out, series.title, series.wavelength_m);
  out.write("/exchange/data", series.phase);
  describe(out, "/exchange/data", "theta:y:x", "rad", phase_description);
  if (!series.absorption.empty()) {
    out.write("/exchange/data_absorption", series.absorption);
    describe(out, "/exchange/data_absorption", "theta:y:x", "1", absorption_description);
  }
  out.write("/exchange/theta", series.angle_deg);
  describe(out, "/exchange/theta", nullptr, "degree", "rotation of the sample at each projection");
  const std::string detector = "/measurement/instrument/detector/";
  write_number(out, detector + "y_pixel_size", series.pixel_size_m[0], "m");
  write_number(out, detector + "x_pixel_size", series.pixel_size_m[1], "m");
  if (series.rotation_axis_px) {
    const std::string axis = "/process/ptychoflow/rotation_axis";
    out.write(axis, *series.rotation_axis_px);
    describe(out, axis, nullptr, "pixel", axis_description);
  }
  out.close();
  target.commit();
}

VolumeFile::VolumeFile(const std::filesystem::path& file, VolumeLayout layout, Overwrite overwrite)
    : file_(file, overwrite),
      layout_(std::move(layout)),
      out_(std::make_unique<OutputFile>(started(file_.temporary(), layout_))),
      written_(static_cast<std::size_t>(layout_.shape[0]), false) {}

VolumeFile::~VolumeFile() = default;

void VolumeFile::check(Index first, View<const float, 3> delta, View<const float, 3> beta) const {
  const auto& shape = layout_.shape;
  const auto text = [](const Extents<3>& e) { return fmt::format("{} × {} × {}", e[0], e[1], e[2]); };
  const std::string name = file_.target().string();
  const Index last = first + delta.extent(0);
  if (first < 0 || delta.empty() || last > shape[0] || delta.extent(1) != shape[1] || delta.extent(2) != shape[2]) {
    throw Error(ErrorCode::other,
                fmt::format("{}: a slab of {} voxels (z, y, x) from slice {} on does not fit the volume "
                            "of {}: volume_shape and slab_first must tell where slabs go",
                            name, text(delta.extents()), first, text(shape)));
  }
  const Extents<3> expected = layout_.beta == Beta::present ? delta.extents() : Extents<3>{};
  if (beta.extents() != expected) {
    throw Error(ErrorCode::other,
                fmt::format("{}: the slab from slice {} on has {} voxels of beta, not {}: all slabs of a "
                            "volume come with volume_beta of delta's shape, or none does",
                            name, first, text(beta.extents()), text(expected)));
  }
  const auto there = std::find(written_.begin() + first, written_.begin() + last, true);
  if (there != written_.begin() + last) {
    throw Error(ErrorCode::other, fmt::format("{}: slice {} comes a second time, in the slab from slice {} on", name,
                                              there - written_.begin(), first));
  }
}

void VolumeFile::write(Index first, View<const float, 3> delta, View<const float, 3> beta) {
  check(first, delta, beta);
  out_->write_rows("/exchange/data", first, delta);
  if (!beta.empty()) out_->write_rows("/exchange/data_beta", first, beta);
  std::fill(written_.begin() + first, written_.begin() + first + delta.extent(0), true);
}

void VolumeFile::commit() {
  if (const auto missing = std::find(written_.begin(), written_.end(), false); missing != written_.end()) {
    throw Error(ErrorCode::other, fmt::format("{}: not written: the volume ends without slice {} of {}",
                                              file_.target().string(), missing - written_.begin(), layout_.shape[0]));
  }
  out_->close();
  file_.commit();
}

}  // namespace ptychoflow::io
