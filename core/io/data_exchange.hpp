// Scientific Data Exchange files (De Carlo et al., J. Synchrotron Rad. 21, 1224 (2014)): projections and volumes as
// TomoPy, dxchange and HTTomo read them, `/exchange/data` and `/exchange/theta`.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/io/atomic_file.hpp"
#include "core/io/projection_series.hpp"

namespace ptychoflow::io {

/// Writes `/exchange/data` (theta, y, x) in rad, `/exchange/data_absorption` if there is one, `/exchange/theta` in
/// degrees, pixel size, photon energy (keV) and rotation axis. The file appears once it is whole.
/// @throws what AtomicFile and OutputFile throw; Error (other) if shapes do not belong together
void write_exchange_projections(const std::filesystem::path& file, const ProjectionSeries& series, Overwrite overwrite);

class OutputFile;

enum class Beta { absent, present };

/// What is known of a volume before its slices.
struct VolumeLayout {
  std::string title{};                   ///< may be empty
  Extents<3> shape{};                    ///< z, y, x
  std::array<double, 3> voxel_size_m{};  ///< z, y, x
  Beta beta = Beta::absent;
  double wavelength_m = 0;  ///< 0: not known
};

/// A volume being written slab by slab, in any order: `/exchange/data` (z, y, x) is δ, `/exchange/data_beta` is β,
/// `/exchange/voxel_size` (3) z, y, x in m. Slices are not packed, so that other programs can map them into memory. The
/// file appears with `commit`; without that nothing stays. All calls throw Error (resource) if the disk is full.
class VolumeFile {
 public:
  /// @throws what AtomicFile throws; Error (other) if a side of the volume is not positive
  VolumeFile(const std::filesystem::path& file, VolumeLayout layout, Overwrite overwrite);
  ~VolumeFile();

  const VolumeLayout& layout() const { return layout_; }

  /// Slices `first` … of δ and, where the layout has it, β (else empty): (z, y, x).
  /// @throws Error (other) if they do not fit the volume's shape, or were written before
  void write(Index first, View<const float, 3> delta, View<const float, 3> beta);

  /// @throws Error (other) if slices are missing
  void commit();

 private:
  void check(Index first, View<const float, 3> delta, View<const float, 3> beta) const;

  AtomicFile file_;  // outlives `out_`, which has to be closed before the name goes
  VolumeLayout layout_;
  std::unique_ptr<OutputFile> out_;
  std::vector<bool> written_;  ///< [z]
};

}  // namespace ptychoflow::io
