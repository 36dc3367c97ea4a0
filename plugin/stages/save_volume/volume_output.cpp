#include "plugin/stages/save_volume/volume_output.hpp"

#include "core/image/map_picture.hpp"
#include "core/image/png.hpp"

namespace ptychoflow::save_volume {
namespace {

const std::string delta_tiff = "_tiff", beta_tiff = "_beta_tiff";
const std::string delta_picture = "_slices.png", beta_picture = "_beta_slices.png";

}  // namespace

void check_targets(const Wanted& wanted, io::Beta beta) {
  io::check_target(wanted.file, wanted.overwrite);
  if (wanted.tiff == Tiff::written) {
    io::check_stack_target(wanted.beside(delta_tiff), wanted.overwrite);
    if (beta == io::Beta::present) io::check_stack_target(wanted.beside(beta_tiff), wanted.overwrite);
  }
  if (wanted.pictures == Pictures::drawn) {
    io::check_target(wanted.beside(delta_picture), wanted.overwrite);
    if (beta == io::Beta::present) io::check_target(wanted.beside(beta_picture), wanted.overwrite);
  }
}

VolumeOutput::VolumeOutput(const Wanted& wanted, const io::VolumeLayout& layout)
    : wanted_(wanted), file_(wanted.file, layout, wanted.overwrite) {
  check_targets(wanted, layout.beta);
  const bool has_beta = layout.beta == io::Beta::present;
  if (wanted.pictures == Pictures::drawn) {
    delta_.slices = MiddleSlices(layout.shape);
    if (has_beta) beta_.slices = MiddleSlices(layout.shape);
  }
  if (wanted.tiff == Tiff::written) {
    const std::string name = wanted.file.stem().string();
    const double pixel_m = layout.voxel_size_m[2];
    delta_.tiff.emplace(wanted.beside(delta_tiff), name, pixel_m, wanted.overwrite);
    if (has_beta) beta_.tiff.emplace(wanted.beside(beta_tiff), name + "_beta", pixel_m, wanted.overwrite);
  }
}

void VolumeOutput::write(Index first, View<const float, 3> delta, View<const float, 3> beta) {
  file_.write(first, delta, beta);  // checks that the slab fits
  take(delta_, first, delta);
  if (!beta.empty()) take(beta_, first, beta);
}

void VolumeOutput::take(Part& part, Index first, View<const float, 3> slab) {
  if (wanted_.pictures == Pictures::drawn) part.slices.take(first, slab);
  if (!part.tiff) return;
  for (Index k = 0; k < slab.extent(0); ++k) part.tiff->write(first + k, slab[k]);
}

void VolumeOutput::draw(const std::filesystem::path& file, const Part& part, const char* quantity) const {
  const io::VolumeLayout& layout = file_.layout();
  image::write_png(file, image::slices_picture({.xy = part.slices.xy(),
                                                .xz = part.slices.xz(),
                                                .yz = part.slices.yz(),
                                                .voxel_size_m = layout.voxel_size_m,
                                                .quantity = quantity,
                                                .unit = "",
                                                .title = layout.title}));
}

std::vector<std::filesystem::path> VolumeOutput::finish() {
  const bool has_beta = file_.layout().beta == io::Beta::present;
  file_.commit();
  std::vector<std::filesystem::path> files{wanted_.file};
  if (delta_.tiff) {
    delta_.tiff->commit();
    files.push_back(wanted_.beside(delta_tiff));
  }
  if (beta_.tiff) {
    beta_.tiff->commit();
    files.push_back(wanted_.beside(beta_tiff));
  }
  if (wanted_.pictures == Pictures::drawn) {
    files.push_back(wanted_.beside(delta_picture));
    draw(files.back(), delta_, "δ");
    if (has_beta) {
      files.push_back(wanted_.beside(beta_picture));
      draw(files.back(), beta_, "β");
    }
  }
  return files;
}

}  // namespace ptychoflow::save_volume
