// A volume that comes slab by slab, and what it is compared with, until all is there.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "core/device/array.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::compare_volume_stage {

using Volume = device::Array<float, 3>;  ///< [z][y][x]

/// Where a slab lies, from its packet's metadata.
struct Place {
  Extents<3> volume{};  ///< z, y, x
  Index first = 0;      ///< slice of the volume
  Index count = 0;
  std::array<double, 3> voxel_size_m{};  ///< z, y, x
  bool ends_volume = false;
};

/// @throws Error (data) if the metadata is missing or does not go with the slab's shape
Place place_of(const stage::Packet& packet);

/// Where a tensor [z][y][x] of a slab has its first value that is not a number, in words; empty if nowhere.
/// @param first number of its first slice
std::string not_finite(const std::string& name, View<const float, 3> slices, Index first);

class Collection {
 public:
  /// Of halves if the first slab has some; of the volume itself if there is a truth.
  Collection(const stage::Packet& first_slab, const Place& place, std::optional<Volume> truth);

  /// Copies what is wanted of the next slab.
  /// @return what is wrong with the slab's values; empty if nothing
  /// @throws Error (data) if it is not the next, or has not the tensors that the first one has
  std::string add(const stage::Packet& slab, const Place& place);

  Index slices_so_far() const { return next_; }
  const Place& first_place() const { return place_; }

  bool has_truth() const { return truth_.has_value(); }
  bool has_halves() const { return !halves_[0].empty(); }
  View<const float, 3> truth() const { return truth_->view(); }
  View<const float, 3> volume() const { return volume_; }
  View<const float, 3> half(std::size_t which) const { return halves_[which]; }
  void forget_halves() { halves_ = {}; }

 private:
  Place place_;
  std::optional<Volume> truth_;
  Volume volume_;
  std::array<Volume, 2> halves_;
  Index next_ = 0;
};

/// Of all that a comparison takes, in bytes.
/// @param truth voxels of the truth; 0 without
double bytes_to_compare(const Extents<3>& volume, bool with_halves, Index truth);

/// @throws Error (resource) if the machine has less
void expect_memory(const Place& place, bool with_halves, Index truth);

}  // namespace ptychoflow::compare_volume_stage
