// The loop of back_projection.cpp, compiled by simd_loops.hpp for each instruction set. Hence no #pragma once.

inline void back_project(const LaneRows& rows, Index y0, Index x0, float* sums) {
  using V = Vector<float>;
  constexpr Index lanes = Registers<float>::lanes, vectors = slice_lanes / lanes;
  std::memset(sums, 0, sizeof(float) * tile_rows * tile_columns * slice_lanes);
  const auto last = static_cast<float>(rows.width + 1);
  for (Index a = 0; a < rows.angles; ++a) {
    const float* row = rows.data + a * (rows.width + 3) * slice_lanes;
    const RayPlace place = rows.places[a];
    const auto step = static_cast<float>(place.step_x);
    for (Index y = 0; y < tile_rows; ++y) {
      const auto first = static_cast<float>(place.first + static_cast<double>(x0) * place.step_x +
                                            static_cast<double>(y0 + y) * place.step_y);
      alignas(64) std::int32_t at[tile_columns];
      alignas(64) float share[tile_columns];
      for (int x = 0; x < static_cast<int>(tile_columns); ++x) {
        float p = first + static_cast<float>(x) * step;
        p = p < 0.0F ? 0.0F : p;
        p = p > last ? last : p;
        at[x] = static_cast<std::int32_t>(p);
        share[x] = p - static_cast<float>(at[x]);
      }
      float* to = sums + y * tile_columns * slice_lanes;
      for (Index x = 0; x < tile_columns; ++x) {
        const float* from = row + static_cast<Index>(at[x]) * slice_lanes;
        const float right = share[x], left = 1.0F - right;
        for (Index v = 0; v < vectors; ++v) {
          const V near = load(from + v * lanes), far = load(from + slice_lanes + v * lanes);
          V& sum = *reinterpret_cast<V*>(to + x * slice_lanes + v * lanes);
          sum += near * left + far * right;
        }
      }
    }
  }
}

inline BackProjectTile loops() { return back_project; }
