#include "plugin/stages/compare_volume/collection.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace ptychoflow::compare_volume_stage {
namespace {

using stage::Json;
using stage::Packet;

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorCode::data, "compare_volume: " + text); }

/// @throws Error (data) if there are not three numbers above zero
template <class T>
std::array<T, 3> three_of(const Json& metadata, const char* key) {
  const Json value = metadata.value(key, Json());
  const bool good = value.is_array() && value.size() == 3 &&
                    std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_number() && v > 0; });
  if (!good) {
    fail(fmt::format("a slab came without {} [z, y, x], of numbers above zero: the stage tomo gives it", key));
  }
  return value.get<std::array<T, 3>>();
}

double physical_bytes() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void copy_slab(View<const float, 3> slab, Index first, Volume& volume) {
  std::copy_n(slab.data(), slab.size(), &volume(first, 0, 0));
}

}  // namespace

Place place_of(const Packet& packet) {
  Place p;
  p.volume = three_of<Index>(packet.metadata, "volume_shape");
  p.voxel_size_m = three_of<double>(packet.metadata, "voxel_size_m");
  const Json first = packet.metadata.value("slab_first", Json());
  if (!first.is_number_integer()) fail("a slab came without slab_first, its first slice: the stage tomo gives it");
  p.first = first.get<Index>();
  p.ends_volume = packet.metadata.value("ends_volume", false);
  const auto slab = packet.at("volume").view<const float, 3>();
  p.count = slab.extent(0);
  if (p.first < 0 || p.count < 1 || p.first + p.count > p.volume[0] || slab.extent(1) != p.volume[1] ||
      slab.extent(2) != p.volume[2]) {
    fail(fmt::format("a slab of {} × {} × {} voxels at slice {} does not lie in a volume of {} × {} × {}", p.count,
                     slab.extent(1), slab.extent(2), p.first, p.volume[0], p.volume[1], p.volume[2]));
  }
  return p;
}

std::string not_finite(const std::string& name, View<const float, 3> slices, Index first) {
  const auto* bad = std::find_if(slices.begin(), slices.end(), [](float v) { return !std::isfinite(v); });
  if (bad == slices.end()) return "";
  const Index at = bad - slices.begin(), row = slices.extent(2), slice = slices.extent(1) * row;
  return fmt::format("{}: slice {} has a value that is not a finite number, at y = {}, x = {}", name,
                     first + at / slice, at % slice / row, at % row);
}

double bytes_to_compare(const Extents<3>& volume, bool with_halves, Index truth) {
  const double voxels =
      static_cast<double>(volume[0]) * static_cast<double>(volume[1]) * static_cast<double>(volume[2]);
  const double held_for_truth = truth > 0 ? voxels + static_cast<double>(truth) : 0;
  // Two spectra at a time; with the truth, three arrays of the volume's size, one of them with a margin.
  const double halves = with_halves ? held_for_truth + 4 * voxels : 0;
  const double with_truth = truth > 0 ? held_for_truth + 3.25 * voxels : 0;
  return static_cast<double>(sizeof(float)) * std::max(halves, with_truth);
}

void expect_memory(const Place& place, bool with_halves, Index truth) {
  const double bytes = bytes_to_compare(place.volume, with_halves, truth), limit = 0.95 * physical_bytes();
  if (bytes <= limit) return;
  throw Error(ErrorCode::resource,
              fmt::format("compare_volume: to compare a volume of {} × {} × {} voxels with {} takes {:.3g} GB on rank "
                          "0, but this machine has {:.3g} GB: leave compare_volume out, or crop or bin the projections",
                          place.volume[0], place.volume[1], place.volume[2],
                          !with_halves ? "the truth"
                          : truth > 0  ? "the truth, and its halves with each other,"
                                       : "its halves",
                          1e-9 * bytes, 1e-9 * physical_bytes()));
}

Collection::Collection(const Packet& first_slab, const Place& place, std::optional<Volume> truth)
    : place_(place), truth_(std::move(truth)) {
  if (truth_) volume_ = Volume::uninitialized(place.volume);
  if (first_slab.has("volume_halves")) {
    for (Volume& half : halves_) half = Volume::uninitialized(place.volume);
  }
}

std::string Collection::add(const Packet& slab, const Place& place) {
  if (place.volume != place_.volume) {
    fail(
        fmt::format("the slab at slice {} belongs to a volume of {} × {} × {} voxels, and those before to one of {} × "
                    "{} × {}",
                    place.first, place.volume[0], place.volume[1], place.volume[2], place_.volume[0], place_.volume[1],
                    place_.volume[2]));
  }
  if (place.first != next_)
    fail(fmt::format("a slab begins at slice {}, but slice {} is the next: slabs must come in order", place.first,
                     next_));
  next_ += place.count;
  if (place.ends_volume && next_ != place_.volume[0])
    fail(fmt::format("the volume ends with slice {}, but should have {} slices", next_ - 1, place_.volume[0]));

  const auto delta = slab.at("volume").view<const float, 3>();
  std::string fault = not_finite("volume", delta, place.first);
  if (has_truth()) copy_slab(delta, place.first, volume_);
  if (!has_halves()) return fault;
  const auto wanted = Extents<4>{2, place.count, place.volume[1], place.volume[2]};
  if (!slab.has("volume_halves") || slab.at("volume_halves").view<const float, 4>().extents() != wanted)
    fail(fmt::format("the slab at slice {} came without volume_halves of its shape", place.first));
  const auto both = slab.at("volume_halves").view<const float, 4>();
  for (const Index h : {0, 1}) {
    if (fault.empty()) fault = not_finite(fmt::format("half {} of volume_halves", h), both[h], place.first);
    copy_slab(both[h], place.first, halves_[static_cast<std::size_t>(h)]);
  }
  return fault;
}

}  // namespace ptychoflow::compare_volume_stage
