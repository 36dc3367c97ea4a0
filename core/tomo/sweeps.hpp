// What a GPU does with slices side by side, element by element. A sweep is called once for every (group, element); what
// an element is, each says. The CPU tests run these same functions. Neighbouring threads work on neighbouring lanes:
// they share the weights of interpolation, and read and write 64 bytes in a row.
#pragma once

#include <cstdint>

#include "core/base/complex.hpp"
#include "core/base/macros.hpp"
#include "core/tomo/beam.hpp"
#include "core/tomo/filter.hpp"

namespace ptychoflow::tomo::sweep {

/// As slice_lanes in lanes.hpp, for indices of 32 bits: 64 take a GPU several times as long to divide.
inline constexpr std::uint32_t lanes = 16;

/// Element `i` of an array [line][pixel][lane].
struct Place {
  std::uint32_t line, pixel, lane;

  PTYCHOFLOW_HOST_DEVICE static Place of(Index i, Index pixels) {
    const auto k = static_cast<std::uint32_t>(i), n = static_cast<std::uint32_t>(pixels);
    const std::uint32_t pixel = k / lanes, line = pixel / n;
    return {line, pixel - line * n, k % lanes};
  }
};

/// PixelPlaces and LineCrossings in the precision that every card is fast in.
struct SeenAt {
  float first, step_x, step_y, path;
};
struct CrossedAt {
  float first, per_ray, per_line, path;
  std::int32_t rows;
};

/// Between which pixels of a row with its zeros something lies, and how near the second; `last`: the last place with a
/// pixel after it.
struct Between {
  std::int32_t left;
  float share;

  PTYCHOFLOW_HOST_DEVICE static Between at(float place, float last) {
    const float p = place < 0 ? 0 : place > last ? last : place;
    const auto left = static_cast<std::int32_t>(p);
    return {left, p - static_cast<float>(left)};
  }
};

/// rows ← what the rays meet; element: (angle, ray, lane).
struct Project {
  const CrossedAt* crossed;  ///< [angle]
  Index width, side, angles;
  const float* planes;
  float* rows;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index g, Index i) const {
    const Place at = Place::of(i, width);
    const CrossedAt c = crossed[at.line];
    const Index length = side + zeros_around, row_stride = length * lanes;
    const Index line_stride = c.rows ? row_stride : lanes, along = c.rows ? lanes : row_stride;
    const float* line = planes + g * length * row_stride + zeros_before * line_stride + at.lane;
    const float start = c.first + static_cast<float>(at.pixel) * c.per_ray;
    const auto last = static_cast<float>(side + 1);
    float sum = 0;
    for (Index l = 0; l < side; ++l, line += line_stride) {
      const float p = start + static_cast<float>(l) * c.per_line;
      if (p < 0 || p > last) continue;
      const Between b = Between::at(p, last);
      const float* from = line + b.left * along;
      sum += (1 - b.share) * from[0] + b.share * from[along];
    }
    rows[((g * angles + at.line) * (width + zeros_around) + at.pixel + zeros_before) * lanes + at.lane] = c.path * sum;
  }
};

/// planes ← what all rays say; element: (y, x, lane).
struct BackProject {
  const SeenAt* seen;  ///< [angle]
  bool adjoint;        ///< as Spread::adjoint, else linear
  Index width, side, angles;
  const float* rows;
  float* planes;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index g, Index i) const {
    const Place at = Place::of(i, side);
    const Index row_size = (width + zeros_around) * lanes;
    const float* row = rows + g * angles * row_size + at.lane;
    const auto last = static_cast<float>(width + 1);
    float sum = 0;
    for (Index a = 0; a < angles; ++a, row += row_size) {
      const SeenAt s = seen[a];
      const Between b =
          Between::at(s.first + static_cast<float>(at.pixel) * s.step_x + static_cast<float>(at.line) * s.step_y, last);
      const float left = adjoint ? falling(s.path, b.share) : 1 - b.share;
      const float right = adjoint ? falling(s.path, 1 - b.share) : b.share;
      const float* from = row + b.left * static_cast<Index>(lanes);
      sum += left * from[0] + right * from[lanes];
    }
    const Index length = side + zeros_around;
    planes[((g * length + at.line + zeros_before) * length + at.pixel + zeros_before) * lanes + at.lane] = sum;
  }
};

/// Where slices lie one after the other, [slice][line][pixel], against the lanes.
struct Packed {
  Index slices, lines, pixels;
  bool zeros_above;  ///< there are zeros around lines, too

  /// Of element (line, pixel, lane) of a group; −1: there is no such slice.
  PTYCHOFLOW_HOST_DEVICE Index packed(Index g, Place at) const {
    const Index slice = g * lanes + at.lane;
    return slice < slices ? (slice * lines + at.line) * pixels + at.pixel : -1;
  }
  PTYCHOFLOW_HOST_DEVICE Index in_lanes(Index g, Place at) const {
    const Index above = zeros_above ? zeros_before : 0, length = zeros_above ? lines + zeros_around : lines;
    return ((g * length + above + at.line) * (pixels + zeros_around) + at.pixel + zeros_before) * lanes + at.lane;
  }
};

/// lanes ← scale · slices; element: (line, pixel, lane).
struct Put {
  Packed where;
  const float* packed;
  float scale;
  float* to;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index g, Index i) const {
    const Place at = Place::of(i, where.pixels);
    const Index from = where.packed(g, at);
    if (from >= 0) to[where.in_lanes(g, at)] = scale * packed[from];
  }
};

/// slices ← lanes; element: (line, pixel, lane).
struct Take {
  Packed where;
  const float* from;
  float* packed;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index g, Index i) const {
    const Place at = Place::of(i, where.pixels);
    const Index to = where.packed(g, at);
    if (to >= 0) packed[to] = from[where.in_lanes(g, at)];
  }
};

/// Two rows of one angle, of slices 2p and 2p + 1, as one complex row of `length`, which has zeros after them. Group:
/// pair p. Element: (angle, x).
struct PairRows {
  const float* packed;  ///< [slice][angle][x]
  Index slices, angles, width, length;
  bool differences;  ///< as Filter::derivative wants them: from the pixel before, less whole turns
  Complex<float>* pairs;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index p, Index i) const {
    const Index a = static_cast<std::uint32_t>(i) / static_cast<std::uint32_t>(length), x = i - a * length;
    pairs[(p * angles + a) * length + x] = {value(2 * p, a, x), value(2 * p + 1, a, x)};
  }

 private:
  PTYCHOFLOW_HOST_DEVICE float pixel(Index slice, Index a, Index x) const {
    return x >= 0 && x < width ? packed[(slice * angles + a) * width + x] : 0;
  }
  PTYCHOFLOW_HOST_DEVICE float value(Index slice, Index a, Index x) const {
    if (slice >= slices) return 0;
    if (!differences) return pixel(slice, a, x);
    return x <= width ? wrapped(pixel(slice, a, x) - pixel(slice, a, x - 1)) : 0;
  }
};

/// Rows in frequencies, times the filter's response. Element: (angle, frequency).
struct Respond {
  const Complex<float>* response;  ///< [frequency]
  Index angles, length;
  Complex<float>* pairs;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index p, Index i) const {
    const Index q = i - static_cast<Index>(static_cast<std::uint32_t>(i) / static_cast<std::uint32_t>(length)) * length;
    Complex<float>& v = pairs[p * angles * length + i];
    v = v * response[q];
  }
};

/// lanes ← filtered rows, each angle with its weight. Element: (angle, x, lane).
struct TakePairs {
  const Complex<float>* pairs;
  const float* weights;  ///< [angle]
  Index slices, angles, width, length;
  float* rows;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index g, Index i) const {
    const Place at = Place::of(i, width);
    const Index slice = g * lanes + at.lane;
    if (slice >= slices) return;
    const Complex<float> v = pairs[(slice / 2 * angles + at.line) * length + at.pixel];
    rows[((g * angles + at.line) * (width + zeros_around) + at.pixel + zeros_before) * lanes + at.lane] =
        weights[at.line] * (slice % 2 == 0 ? v.re : v.im);
  }
};

/// rest ← R · (measured − rest); element: of the group.
struct WeighRest {
  const float* of_rows;
  Index group_size;
  const float* measured;
  float* rest;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index g, Index i) const {
    float& v = rest[g * group_size + i];
    v = of_rows[i / lanes] * (measured[g * group_size + i] - v);
  }
};

/// planes ← max(least, planes + C · step); element: of the group.
struct Advance {
  const float* of_planes;
  Index group_size;
  const float* step;
  float least;
  float* planes;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index g, Index i) const {
    float& v = planes[g * group_size + i];
    const float next = v + of_planes[i / lanes] * step[g * group_size + i];
    v = next > least ? next : least;
  }
};

/// planes ← min(planes, most); element: of the group.
struct CutAbove {
  Index group_size;
  float most;
  float* planes;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index g, Index i) const {
    float& v = planes[g * group_size + i];
    v = v < most ? v : most;
  }
};

/// A number for each lane.
template <class T>
struct OfLanes {
  T lane[lanes]{};

  PTYCHOFLOW_HOST_DEVICE OfLanes& operator+=(const OfLanes& b) {
    for (std::uint32_t l = 0; l < lanes; ++l) lane[l] += b.lane[l];
    return *this;
  }
};

/// Σ v²; element: pixel of the group.
struct Squares {
  Index group_size;
  const float* of;

  PTYCHOFLOW_HOST_DEVICE OfLanes<double> operator()(Index g, Index pixel) const {
    OfLanes<double> squares;
    for (std::uint32_t l = 0; l < lanes; ++l) {
      const auto v = static_cast<double>(of[g * group_size + pixel * lanes + l]);
      squares.lane[l] = v * v;
    }
    return squares;
  }
};

/// to ← keep · to + factor · from, in one group; element: of the group.
struct Combine {
  OfLanes<float> factor, keep;
  const float* from;
  float* to;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index, Index i) const {
    const auto lane = static_cast<std::uint32_t>(i) % lanes;
    to[i] = keep.lane[lane] * to[i] + factor.lane[lane] * from[i];
  }
};

}  // namespace ptychoflow::tomo::sweep
