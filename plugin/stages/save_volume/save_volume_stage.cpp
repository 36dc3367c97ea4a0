// Stage `save_volume`: writes the volume that passes by in slabs.
#include <fmt/format.h>

#include <optional>

#include "plugin/api/stage.hpp"
#include "plugin/stages/save_volume/volume_output.hpp"
#include "save_volume_schema.hpp"

namespace ptychoflow {
namespace {

using save_volume::VolumeOutput;
using stage::Description;
using stage::Json;
using stage::Packet;

/// @throws Error (other) if a packet came without what the stream promises
template <class T>
T promised(const Packet& packet, const char* name, const std::string& file) {
  if (!packet.metadata.contains(name)) {
    throw Error(ErrorCode::other, fmt::format("{}: a slab of the volume came without {}", file, name));
  }
  return packet.metadata[name].get<T>();
}

class SaveVolume : public stage::Stage {
 public:
  Description configure(const Json& params, const Description& input) override {
    wanted_ = {.file = params.at("file").get<std::string>(),
               .overwrite = params.value("overwrite", false) ? io::Overwrite::allow : io::Overwrite::refuse,
               .tiff = params.value("tiff", false) ? save_volume::Tiff::written : save_volume::Tiff::none,
               .pictures = params.value("pictures", true) ? save_volume::Pictures::drawn : save_volume::Pictures::none};
    title_ = params.value("title", "");
    const auto beta = input.has("volume_beta") ? io::Beta::present : io::Beta::absent;
    if (is_root()) save_volume::check_targets(wanted_, beta);
    return input;
  }

  void process(Packet& packet) override {
    if (is_root() && packet.has("volume")) {
      try {
        take(packet);
      } catch (...) {
        output_.reset();  // nothing stays, however long the run goes on
        throw;
      }
    }
    emit(packet);
  }

  void finalize() override {
    if (output_) {
      warn(fmt::format("{}: not written, since the volume did not come to its end", wanted_.file.string()));
      output_.reset();
    }
  }

 private:
  void take(const Packet& packet) {
    const std::string file = wanted_.file.string();
    if (done_) {
      throw Error(ErrorCode::usage,
                  file + ": save_volume writes one volume, and a second one follows: use one pipeline run a volume");
    }
    if (!output_) start(packet);
    const auto beta =
        packet.has("volume_beta") ? packet.at("volume_beta").view<const float, 3>() : View<const float, 3>();
    output_->write(promised<Index>(packet, "slab_first", file), packet.at("volume").view<const float, 3>(), beta);
    if (packet.metadata.value("ends_volume", false)) finish();
  }

  void start(const Packet& packet) {
    const Json& metadata = packet.metadata;
    const std::string file = wanted_.file.string();
    output_.emplace(wanted_,
                    io::VolumeLayout{.title = title_.empty() ? metadata.value("series", "") : title_,
                                     .shape = promised<Extents<3>>(packet, "volume_shape", file),
                                     .voxel_size_m = promised<std::array<double, 3>>(packet, "voxel_size_m", file),
                                     .beta = packet.has("volume_beta") ? io::Beta::present : io::Beta::absent,
                                     .wavelength_m = metadata.value("wavelength_m", 0.0)});
  }

  void finish() {
    const auto files = output_->finish();
    output_.reset();
    done_ = true;
    Json names = Json::array();
    for (const auto& f : files) names.push_back(f.string());
    info("volume: " + wanted_.file.string());
    report({{"files", names}});
  }

  save_volume::Wanted wanted_;
  std::string title_;
  std::optional<VolumeOutput> output_;
  bool done_ = false;
};

}  // namespace
}  // namespace ptychoflow

PTYCHOFLOW_STAGE(ptychoflow::SaveVolume, .name = "save_volume",
                 .summary = "Writes the volume as Data Exchange and TIFF, and pictures of it",
                 .parameters_schema = save_volume_schema, .consumes = {"volume"})
