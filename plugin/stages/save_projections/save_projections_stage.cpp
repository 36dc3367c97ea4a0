// Stage `save_projections`: writes the aligned projections for other tomography programs.
#include <fmt/format.h>

#include <filesystem>

#include "core/image/map_picture.hpp"
#include "core/image/png.hpp"
#include "core/io/data_exchange.hpp"
#include "core/io/nxtomo.hpp"
#include "core/io/tiff_stack.hpp"
#include "plugin/api/stage.hpp"
#include "save_projections_schema.hpp"

namespace ptychoflow {
namespace {

namespace fs = std::filesystem;
using stage::Description;
using stage::Json;
using stage::Packet;

class SaveProjections : public stage::Stage {
 public:
  Description configure(const Json& params, const Description& input) override {
    file_ = params.at("file").get<std::string>();
    nxtomo_ = params.value("format", "data_exchange") == "nxtomo";
    overwrite_ = params.value("overwrite", false) ? io::Overwrite::allow : io::Overwrite::refuse;
    tiff_ = params.value("tiff", false);
    pictures_ = params.value("pictures", true);
    title_ = params.value("title", "");
    if (is_root()) check_targets();
    return input;
  }

  void process(Packet& packet) override {
    if (is_root() && packet.has("projections")) write(packet);
    emit(packet);
  }

 private:
  fs::path beside(const char* suffix) const { return file_.parent_path() / (file_.stem().string() + suffix); }

  void check_targets() const {
    io::check_target(file_, overwrite_);
    if (tiff_) io::check_stack_target(beside("_tiff"), overwrite_);
    if (!pictures_) return;
    io::check_target(beside("_montage.png"), overwrite_);
    io::check_target(beside("_sinogram.png"), overwrite_);
  }

  /// Views of the packet. @throws Error (other) if it lacks what the stream promises, or its shapes differ
  io::ProjectionSeries series_of(const Packet& packet) const {
    const Json& metadata = packet.metadata;
    io::ProjectionSeries series{.title = title_.empty() ? metadata.value("series", "") : title_,
                                .phase = packet.at("projections").view<const float, 3>(),
                                .absorption = {},
                                .angle_deg = packet.at("projection_deg").view<const double, 1>(),
                                .pixel_size_m = {},
                                .rotation_axis_px = {},
                                .wavelength_m = metadata.value("wavelength_m", 0.0)};
    if (packet.has("absorption_projections")) {
      series.absorption = packet.at("absorption_projections").view<const float, 3>();
    }
    if (!metadata.contains("pixel_size_m")) {
      throw Error(ErrorCode::other, fmt::format("{}: the projections came without pixel_size_m", file_.string()));
    }
    series.pixel_size_m = metadata["pixel_size_m"].get<std::array<double, 2>>();
    if (metadata.contains("rotation_axis_px")) series.rotation_axis_px = metadata["rotation_axis_px"].get<double>();
    io::check_series(series);
    return series;
  }

  void write(const Packet& packet) {
    if (done_) {
      throw Error(ErrorCode::usage, file_.string() +
                                        ": save_projections writes one series, and a second one follows: "
                                        "use one pipeline run a series");
    }
    const io::ProjectionSeries series = series_of(packet);
    check_targets();
    if (nxtomo_) {
      io::write_nxtomo(file_, series, overwrite_);
    } else {
      io::write_exchange_projections(file_, series, overwrite_);
    }
    done_ = true;
    info("projections: " + file_.string());
    Json files = {file_.string()};
    if (tiff_) files.push_back(write_tiff(series).string());
    if (pictures_) {
      for (const fs::path& picture : draw(series)) files.push_back(picture.string());
    }
    report({{"files", files}});
  }

  fs::path write_tiff(const io::ProjectionSeries& series) const {
    io::TiffStack stack(beside("_tiff"), file_.stem().string(), series.pixel_size_m[1], overwrite_);
    for (Index j = 0; j < series.phase.extent(0); ++j) stack.write(j, series.phase[j]);
    stack.commit();
    return beside("_tiff");
  }

  std::vector<fs::path> draw(const io::ProjectionSeries& series) const {
    const image::SeriesScene scene{.projections = series.phase,
                                   .angle_deg = series.angle_deg,
                                   .pixel_size_m = series.pixel_size_m,
                                   .quantity = "phase",
                                   .unit = "rad",
                                   .title = series.title};
    const image::Canvas montage = image::montage_picture(scene), sinogram = image::sinogram_picture(scene);
    image::write_png(beside("_montage.png"), montage);
    image::write_png(beside("_sinogram.png"), sinogram);
    return {beside("_montage.png"), beside("_sinogram.png")};
  }

  fs::path file_;
  std::string title_;
  io::Overwrite overwrite_ = io::Overwrite::refuse;
  bool nxtomo_ = false;
  bool tiff_ = false;
  bool pictures_ = true;
  bool done_ = false;
};

}  // namespace
}  // namespace ptychoflow

PTYCHOFLOW_STAGE(ptychoflow::SaveProjections, .name = "save_projections",
                 .summary = "Writes aligned projections as Data Exchange, NXtomo and TIFF, and pictures of them",
                 .parameters_schema = save_projections_schema, .consumes = {"projections", "projection_deg"})
