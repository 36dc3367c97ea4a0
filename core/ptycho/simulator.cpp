#include "core/ptycho/simulator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/ptycho/random.hpp"

namespace ptychoflow::ptycho {

struct Simulator::Workspace {
  explicit Workspace(const SimulationPlan& plan)
      : wave(Field::uninitialized({plan.grid.shape.y, plan.grid.shape.x})),
        intensity({plan.grid.shape.y, plan.grid.shape.x}) {
    if (plan.settings.placement == Placement::subpixel) {
      shifted = device::Array<Complex<double>, 3>::uninitialized(plan.modes.extents());
    }
  }
  Field wave;
  device::Array<double, 2> intensity;         ///< zero frequency at [0][0]
  device::Array<Complex<double>, 3> shifted;  ///< modes moved by the rest of a position
};

Simulator::Simulator(SimulationPlan plan)
    : plan_(std::move(plan)),
      object_(make_specimen(plan_.settings.specimen, plan_.object_shape)),
      fft_(plan_.grid.shape.y, plan_.grid.shape.x) {
  transform_modes();
}

Simulator::Simulator(SimulationPlan plan, Field object)
    : plan_(std::move(plan)), object_(std::move(object)), fft_(plan_.grid.shape.y, plan_.grid.shape.x) {
  const auto [ny, nx] = plan_.object_shape;
  if (object_.extents() != Extents<2>{ny, nx}) {
    throw Error(ErrorCode::usage, fmt::format("simulate: a specimen of {} × {} pixels was given for an object of {} × "
                                              "{}: make it of the plan's object_shape",
                                              object_.extent(0), object_.extent(1), ny, nx));
  }
  transform_modes();
}

void Simulator::transform_modes() {
  if (plan_.settings.placement != Placement::subpixel) return;
  spectra_ = device::Array<Complex<double>, 3>::copy_of(plan_.modes);
  for (Index m = 0; m < spectra_.extent(0); ++m) fft_.forward(spectra_[m].data());
}

/// A window between pixels, P(r)·O(r + w + δ), has the intensity of P(r − δ)·O(r + w): the object need not be
/// interpolated, and the probe, which is confined and band-limited, moves without loss.
void Simulator::shift_modes(Yx<double> by_px, Workspace& work) const {
  const auto [ny, nx] = plan_.grid.shape;
  const double scale = 1 / static_cast<double>(ny * nx);
  for (Index m = 0; m < spectra_.extent(0); ++m) {
    for (Index y = 0; y < ny; ++y) {
      const double qy = static_cast<double>(y < (ny + 1) / 2 ? y : y - ny) / static_cast<double>(ny);
      for (Index x = 0; x < nx; ++x) {
        const double qx = static_cast<double>(x < (nx + 1) / 2 ? x : x - nx) / static_cast<double>(nx);
        work.shifted(m, y, x) = polar(scale, -2 * pi * (qy * by_px.y + qx * by_px.x)) * spectra_(m, y, x);
      }
    }
    fft_.inverse(work.shifted[m].data());
  }
}

void Simulator::expected(Index frame, Workspace& work, View<double, 2> photons) const {
  const auto [ny, nx] = plan_.grid.shape;
  std::fill(work.intensity.begin(), work.intensity.end(), 0.0);
  for (Index e = 0; e < plan_.exposures(); ++e) {
    const auto [first, rest] = plan_.window(frame, e);
    if (plan_.settings.placement == Placement::subpixel) shift_modes(rest, work);
    const auto& modes = plan_.settings.placement == Placement::subpixel ? work.shifted : plan_.modes;
    for (Index m = 0; m < modes.extent(0); ++m) {
      for (Index y = 0; y < ny; ++y) {
        for (Index x = 0; x < nx; ++x) work.wave(y, x) = modes(m, y, x) * object_(first.y + y, first.x + x);
      }
      fft_.forward(work.wave.data());
      for (Index i = 0; i < ny * nx; ++i) work.intensity.data()[i] += norm(work.wave.data()[i]);
    }
  }
  const double scale = 1 / static_cast<double>(ny * nx * plan_.exposures());
  for (Index y = 0; y < ny; ++y) {
    for (Index x = 0; x < nx; ++x) {
      const Index to_y = (y + ny / 2) % ny, to_x = (x + nx / 2) % nx;
      photons(to_y, to_x) = plan_.mask(to_y, to_x) ? 0 : scale * work.intensity(y, x);
    }
  }
}

void Simulator::expect_frames(Index first, View<double, 3> photons, device::ThreadPool& pool) const {
  pool.run([&](int thread) {
    Workspace work(plan_);
    const auto share = device::share_of(photons.extent(0), thread, pool.size());
    for (Index j = share.first; j < share.last; ++j) expected(first + j, work, photons[j]);
  });
}

void Simulator::expose(Index first, View<std::uint32_t, 3> counts, device::ThreadPool& pool) const {
  if (plan_.settings.noise == Noise::none) {
    throw Error(ErrorCode::usage, "frames without noise are not whole numbers of photons: take expect_frames");
  }
  pool.run([&](int thread) {
    Workspace work(plan_);
    device::Array<double, 2> photons({plan_.grid.shape.y, plan_.grid.shape.x});
    const auto share = device::share_of(counts.extent(0), thread, pool.size());
    for (Index j = share.first; j < share.last; ++j) {
      expected(first + j, work, photons);
      Random random(plan_.settings.seed, RandomStream::noise + static_cast<std::uint64_t>(first + j));
      auto* out = counts[j].data();
      for (Index i = 0; i < photons.size(); ++i) {
        const double mean = photons.data()[i];
        out[i] = mean > 0 ? static_cast<std::uint32_t>(std::poisson_distribution<std::int64_t>(mean)(random)) : 0;
      }
    }
  });
}

}  // namespace ptychoflow::ptycho
