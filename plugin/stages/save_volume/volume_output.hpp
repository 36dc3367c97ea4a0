// Everything that is written of one volume: the file, TIFF stacks, pictures.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/io/data_exchange.hpp"
#include "core/io/tiff_stack.hpp"
#include "plugin/stages/save_volume/middle_slices.hpp"

namespace ptychoflow::save_volume {

enum class Tiff { none, written };
enum class Pictures { none, drawn };

/// What the user wants of it.
struct Wanted {
  std::filesystem::path file;
  io::Overwrite overwrite = io::Overwrite::refuse;
  Tiff tiff = Tiff::none;
  Pictures pictures = Pictures::drawn;

  std::filesystem::path beside(const std::string& suffix) const {
    return file.parent_path() / (file.stem().string() + suffix);
  }
};

/// Checks, before any data moves, that all can be written. @throws what io::check_target and io::check_stack_target
/// throw
void check_targets(const Wanted& wanted, io::Beta beta);

/// A volume on its way to the disk. Destroyed before `finish`, it leaves nothing.
class VolumeOutput {
 public:
  /// @throws what io::VolumeFile and io::TiffStack throw
  VolumeOutput(const Wanted& wanted, const io::VolumeLayout& layout);

  /// As io::VolumeFile::write.
  void write(Index first, View<const float, 3> delta, View<const float, 3> beta);

  /// Gives all its names and draws the pictures. @returns what was written, the file first
  /// @throws Error (other) if slices are missing, (resource) if the disk refuses
  std::vector<std::filesystem::path> finish();

 private:
  /// One of the two quantities.
  struct Part {
    MiddleSlices slices;
    std::optional<io::TiffStack> tiff;
  };

  void take(Part& part, Index first, View<const float, 3> slab);
  void draw(const std::filesystem::path& file, const Part& part, const char* quantity) const;

  Wanted wanted_;
  io::VolumeFile file_;
  Part delta_, beta_;
};

}  // namespace ptychoflow::save_volume
