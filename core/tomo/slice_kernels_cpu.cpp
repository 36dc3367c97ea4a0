#include <algorithm>
#include <utility>

#include "core/tomo/angle_weights.hpp"
#include "core/tomo/rays.hpp"
#include "core/tomo/slice_kernels.hpp"

namespace ptychoflow::tomo {
namespace {

/// One group of slices at a time; threads share its angles, or its lines.
class CpuSliceKernels final : public SliceKernels {
 public:
  CpuSliceKernels(SliceGeometry geometry, Filter filter, device::ThreadPool& threads)
      : SliceKernels(std::move(geometry)),
        filter_(filter, geometry_.width),
        weights_(angle_weights(geometry_.beam.angle_rad)),
        places_(pixel_places(geometry_)),
        crossings_(line_crossings(geometry_)),
        threads_(threads) {}

  device::Memory* memory() const override { return nullptr; }
  Index most_slices() const override { return slice_lanes; }

  void put(View<const float, 3> sinograms, float scale, Lanes& rows) override {
    each_angle([&](Index a) {
      for (Index s = 0; s < sinograms.extent(0); ++s) {
        const float* from = &sinograms(s, a, 0);
        float* to = &rows(0, a, zeros_before, s);
        for (Index x = 0; x < geometry_.width; ++x) to[x * slice_lanes] = scale * from[x];
      }
    });
  }

  void put_filtered(View<const float, 3> sinograms, float scale, Lanes& rows) override {
    threads_.run_in_bands(geometry_.angles(), [&](device::Share band) {
      auto work = device::Array<Complex<float>, 1>::uninitialized({filter_.work_size()});
      for (Index a = band.first; a < band.last; ++a) {
        const auto weight = static_cast<float>(weights_[static_cast<std::size_t>(a)] * static_cast<double>(scale));
        for (Index s = 0; s < sinograms.extent(0); s += 2) {
          const bool two = s + 1 < sinograms.extent(0);
          filter_.apply(&sinograms(s, a, 0), two ? &sinograms(s + 1, a, 0) : nullptr, weight,
                        &rows(0, a, zeros_before, s), two ? &rows(0, a, zeros_before, s + 1) : nullptr, slice_lanes,
                        work.data());
        }
      }
    });
  }

  void take_rows(const Lanes& rows, View<float, 3> sinograms) override {
    each_angle([&](Index a) { take_line(&rows(0, a, zeros_before, 0), &sinograms(0, a, 0), sinograms); });
  }

  void take_planes(const Lanes& planes, View<float, 3> slices) override {
    threads_.run_in_bands(geometry_.side, [&](device::Share band) {
      for (Index y = band.first; y < band.last; ++y)
        take_line(&planes(0, y + zeros_before, zeros_before, 0), &slices(0, y, 0), slices);
    });
  }

  void project(const Lanes& planes, Lanes& rows) override {
    const Index side = geometry_.side, width = geometry_.width;
    threads_.run_in_bands(geometry_.angles(), [&](device::Share band) {
      const auto row = [&](Index a) { return &rows(0, a, zeros_before, 0); };
      for (Index a = band.first; a < band.last; ++a) std::fill_n(row(a), width * slice_lanes, 0.0F);
      for (Index line = 0; line < side; line += band_lines) {
        for (Index a = band.first; a < band.last; ++a) {
          loops_.project({planes.data(), side}, crossings_[static_cast<std::size_t>(a)], line,
                         std::min(line + band_lines, side), width, row(a));
        }
      }
    });
  }

  void back_project(Spread spread, const Lanes& rows, Lanes& planes) override {
    const Index side = geometry_.side;
    threads_.run_in_turn((side + tile_rows - 1) / tile_rows, [&](int, Index strip) {
      auto sums = device::Array<float, 3>::uninitialized({tile_rows, tile_columns, slice_lanes});
      const Index y0 = strip * tile_rows, height = std::min(tile_rows, side - y0);
      for (Index x0 = 0; x0 < side; x0 += tile_columns) {
        const Index count = std::min(tile_columns, side - x0);
        loops_.back_project({rows.data(), places_.data(), geometry_.angles(), geometry_.width}, spread, y0, x0,
                            sums.data());
        for (Index y = 0; y < height; ++y) {
          std::copy_n(&sums(y, 0, 0), count * slice_lanes, &planes(0, y0 + y + zeros_before, x0 + zeros_before, 0));
        }
      }
    });
  }

  void weigh_rest(const Lanes& measured, Lanes& rest) override {
    if (of_rows_.empty()) of_rows_ = reciprocal_of_rows();
    each_pixel(rest, [&](Index pixel, Index i) {
      rest.data()[i] = of_rows_.data()[pixel] * (measured.data()[i] - rest.data()[i]);
    });
  }

  void advance(const Lanes& step, float least, Lanes& planes) override {
    if (of_planes_.empty()) of_planes_ = reciprocal_of_planes();
    each_pixel(planes, [&](Index pixel, Index i) {
      planes.data()[i] = std::max(least, planes.data()[i] + of_planes_.data()[pixel] * step.data()[i]);
    });
  }

  void cut_above(float most, Lanes& planes) override {
    each_pixel(planes, [&](Index, Index i) { planes.data()[i] = std::min(most, planes.data()[i]); });
  }

  std::vector<PerLane<double>> squares(const Lanes& lanes) override {
    std::vector<PerLane<double>> of_line(
        static_cast<std::size_t>(lanes.extent(1)));  // sums of one order on any threads
    threads_.run_in_bands(lanes.extent(1), [&](device::Share band) {
      for (Index y = band.first; y < band.last; ++y) {
        PerLane<double> sums{};
        const float* line = &lanes(0, y, 0, 0);
        for (Index i = 0; i < lanes.extent(2); ++i) {
          for (std::size_t l = 0; l < sums.size(); ++l) {
            const auto v = static_cast<double>(line[i * slice_lanes + static_cast<Index>(l)]);
            sums[l] += v * v;
          }
        }
        of_line[static_cast<std::size_t>(y)] = sums;
      }
    });
    PerLane<double> all{};
    for (const auto& sums : of_line) {
      for (std::size_t l = 0; l < all.size(); ++l) all[l] += sums[l];
    }
    return {all};
  }

  void combine(const std::vector<PerLane<float>>& factor, const Lanes& from, const std::vector<PerLane<float>>& keep,
               Lanes& to) override {
    const float *f = factor[0].data(), *k = keep[0].data();
    each_pixel(to, [&](Index pixel, Index i) {
      const Index lane = i - pixel * slice_lanes;
      to.data()[i] = k[lane] * to.data()[i] + f[lane] * from.data()[i];
    });
  }

 private:
  template <class Body>
  void each_angle(const Body& body) {
    threads_.run_in_bands(geometry_.angles(), [&](device::Share band) {
      for (Index a = band.first; a < band.last; ++a) body(a);
    });
  }

  /// Zeros around stay zeros, or are never looked at.
  template <class Body>
  void each_pixel(const Lanes& lanes, const Body& body) {
    threads_.run_in_bands(lanes.size() / slice_lanes, [&](device::Share band) {
      for (Index pixel = band.first; pixel < band.last; ++pixel) {
        for (Index i = pixel * slice_lanes; i < (pixel + 1) * slice_lanes; ++i) body(pixel, i);
      }
    });
  }

  /// A line of lanes to the same line of all slices of `of`.
  static void take_line(const float* lanes, float* to, View<float, 3> of) {
    const Index stride = of.extent(1) * of.extent(2);
    for (Index s = 0; s < of.extent(0); ++s) {
      for (Index x = 0; x < of.extent(2); ++x) to[s * stride + x] = lanes[x * slice_lanes + s];
    }
  }

  RowFilter filter_;
  std::vector<double> weights_;
  std::vector<PixelPlaces> places_;
  std::vector<LineCrossings> crossings_;
  device::ThreadPool& threads_;
  RayLoops loops_ = ray_loops();
  device::Array<float, 2> of_rows_, of_planes_;  ///< R and C, when they are first needed
};

}  // namespace

std::unique_ptr<SliceKernels> make_cpu_slice_kernels(SliceGeometry geometry, Filter filter,
                                                     device::ThreadPool& threads) {
  return std::make_unique<CpuSliceKernels>(std::move(geometry), filter, threads);
}

}  // namespace ptychoflow::tomo
