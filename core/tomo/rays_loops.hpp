// The loops of rays.cpp, compiled by simd_loops.hpp for each instruction set. Hence no #pragma once.

/// Where `count` points lie between pixels: first, first + step, … in pixels of a row with its zeros, `last` the last
/// place that has a pixel after it.
template <Index count>
inline void find_places(float first, float step, float last, std::int32_t* at, float* share) {
  for (int i = 0; i < static_cast<int>(count); ++i) {
    float p = first + static_cast<float>(i) * step;
    p = p < 0.0F ? 0.0F : p;
    p = p > last ? last : p;
    at[i] = static_cast<std::int32_t>(p);
    share[i] = p - static_cast<float>(at[i]);
  }
}

inline void back_project(const RayRows& rows, Spread spread, Index y0, Index x0, float* sums) {
  using V = Vector<float>;
  constexpr Index lanes = Registers<float>::lanes, vectors = slice_lanes / lanes;
  std::memset(sums, 0, sizeof(float) * tile_rows * tile_columns * slice_lanes);
  const auto last = static_cast<float>(rows.width + 1);
  for (Index a = 0; a < rows.angles; ++a) {
    const float* row = rows.data + a * (rows.width + zeros_around) * slice_lanes;
    const PixelPlaces places = rows.places[a];
    const auto path = static_cast<float>(places.path);
    for (Index y = 0; y < tile_rows; ++y) {
      const double first =
          places.first + static_cast<double>(x0) * places.step_x + static_cast<double>(y0 + y) * places.step_y;
      alignas(64) std::int32_t at[tile_columns];
      alignas(64) float left[tile_columns], right[tile_columns];
      find_places<tile_columns>(static_cast<float>(first), static_cast<float>(places.step_x), last, at, right);
      if (spread == Spread::linear) {
        for (Index x = 0; x < tile_columns; ++x) left[x] = 1.0F - right[x];
      } else {
        for (Index x = 0; x < tile_columns; ++x) {
          const float share = right[x];
          left[x] = falling(path, share);
          right[x] = falling(path, 1.0F - share);
        }
      }
      float* to = sums + y * tile_columns * slice_lanes;
      for (Index x = 0; x < tile_columns; ++x) {
        const float* from = row + static_cast<Index>(at[x]) * slice_lanes;
        for (Index v = 0; v < vectors; ++v) {
          const V near = load(from + v * lanes), far = load(from + slice_lanes + v * lanes);
          V& sum = *reinterpret_cast<V*>(to + x * slice_lanes + v * lanes);
          sum += near * left[x] + far * right[x];
        }
      }
    }
  }
}

/// The part of [first, last) in which start + l · step lies in [0, end]; one more on either side does no harm.
inline void keep_inside(double start, double step, double end, Index* first, Index* last) {
  if (std::abs(step) < 1e-9) return;  // inside or outside as a whole: places are cut to what there is
  const double at_start = -start / step, at_end = (end - start) / step;
  const double low = at_start < at_end ? at_start : at_end, high = at_start < at_end ? at_end : at_start;
  if (low > static_cast<double>(*first)) *first = low < static_cast<double>(*last) ? static_cast<Index>(low) : *last;
  if (high < static_cast<double>(*last)) {
    const Index after = high < static_cast<double>(*first) ? *first : static_cast<Index>(high) + 1;
    *last = after < *last ? after : *last;
  }
}

inline void project(const RayPlanes& planes, const LineCrossings& c, Index first, Index last, Index width, float* row) {
  using V = Vector<float>;
  constexpr Index lanes = Registers<float>::lanes, vectors = slice_lanes / lanes;
  const Index row_stride = (planes.side + zeros_around) * slice_lanes;
  const Index line_stride = c.rows ? row_stride : slice_lanes, along = c.rows ? slice_lanes : row_stride;
  const auto end = static_cast<float>(planes.side + 1);
  const auto path = static_cast<float>(c.path);
  for (Index x = 0; x < width; ++x) {
    const double start = c.first + static_cast<double>(x) * c.per_ray;
    Index l0 = first, l1 = last;
    keep_inside(start, c.per_line, static_cast<double>(end), &l0, &l1);
    if (l0 >= l1) continue;
    alignas(64) std::int32_t at[band_lines];
    alignas(64) float share[band_lines];
    find_places<band_lines>(static_cast<float>(start + static_cast<double>(l0) * c.per_line),
                            static_cast<float>(c.per_line), end, at, share);
    V sums[vectors] = {};
    const float* line = planes.data + (l0 + zeros_before) * line_stride;
    for (Index l = 0; l < l1 - l0; ++l, line += line_stride) {
      const float* from = line + static_cast<Index>(at[l]) * along;
      const float right = share[l], left = 1.0F - right;
      for (Index v = 0; v < vectors; ++v)
        sums[v] += load(from + v * lanes) * left + load(from + along + v * lanes) * right;
    }
    float* to = row + x * slice_lanes;
    for (Index v = 0; v < vectors; ++v) store<float>(to + v * lanes, load(to + v * lanes) + sums[v] * path);
  }
}

inline RayLoops loops() { return {back_project, project}; }
