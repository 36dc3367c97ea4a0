#include "core/tomo/projection_stack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.hpp"
#include "core/tomo/angles.hpp"
#include "core/tomo/covered_area.hpp"

namespace ptychoflow::tomo {
namespace {

void check_finite(const Projection& p, View<const float, 2> image, const char* what) {
  for (Index y = 0; y < image.extent(0); ++y) {
    for (Index x = 0; x < image.extent(1); ++x) {
      if (!std::isfinite(image(y, x))) {
        throw Error(ErrorCode::data, fmt::format("the {} of scan '{}' is {} at pixel y {}, x {}: look at that scan's "
                                                 "reconstruction, or leave the scan out",
                                                 what, p.scan, image(y, x), y, x));
      }
    }
  }
}

/// Whole pixels from the first projection's corner, and what is left.
struct Place {
  Extents<2> first;
  Shift remainder;
};

Place place_of(const Projection& p, const Projection& reference) {
  std::array<double, 2> exact{};
  for (std::size_t axis = 0; axis < 2; ++axis)
    exact[axis] = (p.origin_m[axis] - reference.origin_m[axis]) / reference.pixel_size_m[axis];
  const double y = std::round(exact[0]), x = std::round(exact[1]);
  return {{static_cast<Index>(y), static_cast<Index>(x)}, {exact[0] - y, exact[1] - x}};
}

/// The rectangle that the projections' frames have in common.
Rectangle common_frame(const std::vector<Projection>& projections, const std::vector<Place>& places) {
  Extents<2> first = places[0].first, last = projections[0].phase.extents();
  for (std::size_t i = 0; i < places.size(); ++i) {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const Index from = places[i].first[axis];
      first[axis] = std::max(first[axis], from);
      last[axis] = std::min(last[axis], from + projections[i].phase.extent(axis));
    }
  }
  return {first[0], first[1], std::max<Index>(0, last[0] - first[0]), std::max<Index>(0, last[1] - first[1])};
}

/// The largest rectangle that all projections know.
Rectangle common_area(const std::vector<Projection>& projections, const std::vector<Place>& places) {
  const Rectangle frame = common_frame(projections, places);
  Mask all({frame.height, frame.width});
  std::fill(all.begin(), all.end(), static_cast<unsigned char>(1));
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (projections[i].weight.empty()) continue;
    const Mask known = known_area(projections[i].weight);
    const Index dy = frame.y - places[i].first[0], dx = frame.x - places[i].first[1];
    for (Index y = 0; y < frame.height; ++y) {
      for (Index x = 0; x < frame.width; ++x) all(y, x) = all(y, x) && known(y + dy, x + dx) ? 1 : 0;
    }
  }
  Rectangle area = largest_rectangle(all);
  area.y += frame.y;
  area.x += frame.x;
  return area;
}

void cut(View<const float, 2> image, Extents<2> place, const Rectangle& area, View<float, 2> to) {
  for (Index y = 0; y < area.height; ++y)
    std::copy_n(&image(area.y - place[0] + y, area.x - place[1]), area.width, &to(y, 0));
}

}  // namespace

void check_series(const std::vector<Projection>& projections) {
  constexpr std::size_t fewest = 3;
  if (projections.size() < fewest) {
    throw Error(ErrorCode::data, fmt::format("a tomographic series needs at least {} projections, and {} came", fewest,
                                             projections.size()));
  }
  const Projection& first = projections[0];
  std::vector<double> angle_deg;
  for (const Projection& p : projections) {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      if (!(std::abs(p.pixel_size_m[axis] - first.pixel_size_m[axis]) <= 1e-6 * first.pixel_size_m[axis])) {
        throw Error(ErrorCode::data, fmt::format("pixels of scan '{}' are {:.6g} × {:.6g} nm, and those of scan '{}' "
                                                 "{:.6g} × {:.6g} nm: reconstruct all scans of a series with the same "
                                                 "distance, energy and frame_size",
                                                 first.scan, first.pixel_size_m[0] * 1e9, first.pixel_size_m[1] * 1e9,
                                                 p.scan, p.pixel_size_m[0] * 1e9, p.pixel_size_m[1] * 1e9));
      }
    }
    angle_deg.push_back(p.rotation_deg);
    check_finite(p, p.phase, "phase");
    check_finite(p, p.absorption, "absorption");
  }
  if (look_like_radians(angle_deg)) {
    throw Error(
        ErrorCode::data,
        fmt::format("the angles of scans '{}' to '{}', {:.4g} to {:.4g}, look like radians: give them in degrees",
                    first.scan, projections.back().scan, first.rotation_deg, projections.back().rotation_deg));
  }
  for (std::size_t i = 0; i < projections.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double apart = std::remainder(projections[i].rotation_deg - projections[j].rotation_deg, 360.0);
      if (std::abs(apart) <= 1e-6) {
        throw Error(ErrorCode::data,
                    fmt::format("scans '{}' and '{}' both have the angle {:.6g}°: leave one of them out",
                                projections[j].scan, projections[i].scan, projections[i].rotation_deg));
      }
    }
  }
}

ProjectionStack stack_projections(const std::vector<Projection>& projections) {
  std::vector<Place> places;
  for (const Projection& p : projections) places.push_back(place_of(p, projections[0]));
  const Rectangle area = common_area(projections, places);
  constexpr Index least = 16;
  if (std::min(area.height, area.width) < least) {
    throw Error(
        ErrorCode::data,
        fmt::format("the largest area that all {} projections cover is {} × {} px (y, x), and at least {} are "
                    "needed either way: scan the same area at each angle, or leave out scans that lie elsewhere",
                    projections.size(), area.height, area.width, least));
  }
  const auto count = static_cast<Index>(projections.size());
  ProjectionStack stack;
  stack.phase = device::Array<float, 3>::uninitialized({count, area.height, area.width});
  const bool absorbing =
      std::none_of(projections.begin(), projections.end(), [](const Projection& p) { return p.absorption.empty(); });
  if (absorbing) stack.absorption = device::Array<float, 3>::uninitialized(stack.phase.extents());
  for (Index i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    cut(projections[at].phase, places[at].first, area, stack.phase[i]);
    if (absorbing) cut(projections[at].absorption, places[at].first, area, stack.absorption[i]);
    stack.remainder.push_back(places[at].remainder);
  }
  return stack;
}

}  // namespace ptychoflow::tomo
