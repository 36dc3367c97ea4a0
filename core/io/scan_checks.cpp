#include "core/io/scan_checks.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/base/error.hpp"

namespace ptychoflow::io {

namespace {

constexpr double pixels_a_side_limit = 100000;
constexpr double memory_share_limit = 0.25;
constexpr double bytes_a_pixel = 8;  // complex, single precision

double physical_memory_bytes() {
  return static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGE_SIZE));
}

/// Positions are written in the wrong unit more often than scans are truly huge: the largest unit in which a step from
/// one position to the next stays within the view, as ptychography needs.
std::string likely_unit(const std::vector<std::array<double, 2>>& positions, const std::array<double, 2>& view_m) {
  std::vector<double> steps;
  for (std::size_t j = 1; j < positions.size(); ++j) {
    steps.push_back(std::max(std::abs(positions[j][0] - positions[j - 1][0]) / view_m[0],
                             std::abs(positions[j][1] - positions[j - 1][1]) / view_m[1]));
  }
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  struct Unit {
    const char* name;
    const char* scale;
    double factor;
  };
  for (const Unit& unit : {Unit{"mm", "1e-3", 1e-3}, Unit{"µm", "1e-6", 1e-6}, Unit{"nm", "1e-9", 1e-9}}) {
    if (*middle > 1 && *middle * unit.factor <= 1) {
      return fmt::format("The positions look like {} rather than m: set positions: {{scale: {}}}", unit.name,
                         unit.scale);
    }
  }
  return "Check the unit of the positions (m), the energy, the distance and the detector pixel";
}

template <class T>
constexpr bool may_be_faulty = std::is_signed_v<T>;  // as floating-point numbers are

template <class T>
std::string fault_of(T count, bool negative_is_masked) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(count)) return "NaN";
    if (std::isinf(count)) return "infinite";
  }
  if constexpr (std::is_signed_v<T>) {
    if (count < 0 && !negative_is_masked) return fmt::format("negative ({})", count);
  }
  return {};
}

template <class T>
bool is_faulty(T count, bool negative_is_masked) {
  if constexpr (std::is_floating_point_v<T>) {
    return !(count <= std::numeric_limits<T>::max()) ||
           count < (negative_is_masked ? -std::numeric_limits<T>::max() : 0);
  } else if constexpr (std::is_signed_v<T>) {
    return count < 0 && !negative_is_masked;
  } else {
    return false;
  }
}

}  // namespace

std::array<double, 2> object_pixel_m(const ScanGeometry& g) {
  const auto along = [&](std::size_t axis) {
    return g.wavelength_m * g.distance_m / (static_cast<double>(g.frame[axis]) * g.detector_pixel_m[axis]);
  };
  return {along(0), along(1)};
}

void check_positive(double value, const std::string& source, const std::string& what) {
  if (!(value > 0) || std::isinf(value)) {
    throw Error(ErrorCode::data, fmt::format("{}: {} is {}, but must be a positive number", source, what, value));
  }
}

void check_positions(const std::vector<std::array<double, 2>>& positions_m, const ScanGeometry& geometry,
                     const FrameOrigin& origin) {
  const std::string& source = origin.source;
  std::array<double, 2> low = positions_m.at(0), high = low;
  for (std::size_t j = 0; j < positions_m.size(); ++j) {
    for (std::size_t axis : {0u, 1u}) {
      const double p = positions_m[j][axis];
      if (!std::isfinite(p)) {
        throw Error(ErrorCode::data,
                    fmt::format("{}: the {} position of frame {} is {}: leave the frame out with frames, "
                                "or mend the file",
                                source, axis == 0 ? "y" : "x", origin.first + static_cast<Index>(j) * origin.step, p));
      }
      low[axis] = std::min(low[axis], p);
      high[axis] = std::max(high[axis], p);
    }
  }
  const auto pixel_m = object_pixel_m(geometry);
  const std::array<double, 2> span_px{(high[0] - low[0]) / pixel_m[0], (high[1] - low[1]) / pixel_m[1]};
  if (span_px[0] < 1 && span_px[1] < 1) {
    throw Error(ErrorCode::data,
                fmt::format("{}: a single position{}; ptychography needs overlapping views", source,
                            positions_m.size() > 1 ? fmt::format(": all {} lie within one object pixel ({:.3g} m)",
                                                                 positions_m.size(), pixel_m[0])
                                                   : ""));
  }
  const double height = std::ceil(span_px[0]) + static_cast<double>(geometry.frame[0]);
  const double width = std::ceil(span_px[1]) + static_cast<double>(geometry.frame[1]);
  const double bytes = height * width * bytes_a_pixel;
  if (height > pixels_a_side_limit || width > pixels_a_side_limit ||
      bytes > memory_share_limit * physical_memory_bytes()) {
    const double gib = 1024.0 * 1024.0 * 1024.0;
    throw Error(
        ErrorCode::data,
        fmt::format("{}: the positions span {:.3g} × {:.3g} m (y × x), which makes an object of {:.0f} × {:.0f} "
                    "pixels of {:.3g} m, {:.3g} GiB; this machine has {:.3g} GiB. {}",
                    source, high[0] - low[0], high[1] - low[1], height, width, pixel_m[0], bytes / gib,
                    physical_memory_bytes() / gib,
                    likely_unit(positions_m, {pixel_m[0] * static_cast<double>(geometry.frame[0]),
                                              pixel_m[1] * static_cast<double>(geometry.frame[1])})));
  }
}

void check_mask(View<const std::uint8_t, 2> mask, const std::string& source) {
  if (std::find(mask.begin(), mask.end(), 0) == mask.end()) {
    throw Error(ErrorCode::data,
                fmt::format("{}: the mask marks every one of the {} × {} pixels as bad (0 and 0x1000 mean good)",
                            source, mask.extent(0), mask.extent(1)));
  }
}

template <class T>
bool check_frames(View<T, 3> frames, View<const std::uint8_t, 2> mask, const FrameOrigin& origin) {
  bool any = false;
  for (Index j = 0; j < frames.extent(0); ++j) {
    T* counts = frames[j].data();
    for (Index i = 0; may_be_faulty<T> && i < mask.size(); ++i) {
      if (!is_faulty(counts[i], origin.negative_is_masked)) continue;
      if (mask.data()[i] == 0) {
        throw Error(
            ErrorCode::data,
            fmt::format("{}: frame {} has a count that is {} at pixel y {}, x {}: mark the pixel in the mask, "
                        "or leave the frame out with frames",
                        origin.source, origin.first + j * origin.step, fault_of(counts[i], origin.negative_is_masked),
                        origin.y + i / mask.extent(1), origin.x + i % mask.extent(1)));
      }
      counts[i] = 0;
    }
    for (Index i = 0; !any && i < mask.size(); ++i) any = counts[i] > 0 && mask.data()[i] == 0;
  }
  return any;
}
template bool check_frames(View<std::uint8_t, 3>, View<const std::uint8_t, 2>, const FrameOrigin&);
template bool check_frames(View<std::uint16_t, 3>, View<const std::uint8_t, 2>, const FrameOrigin&);
template bool check_frames(View<std::uint32_t, 3>, View<const std::uint8_t, 2>, const FrameOrigin&);
template bool check_frames(View<std::int32_t, 3>, View<const std::uint8_t, 2>, const FrameOrigin&);
template bool check_frames(View<float, 3>, View<const std::uint8_t, 2>, const FrameOrigin&);
template bool check_frames(View<double, 3>, View<const std::uint8_t, 2>, const FrameOrigin&);

}  // namespace ptychoflow::io
