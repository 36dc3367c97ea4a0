#include "plugin/stages/simulate/series.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/ptycho/random.hpp"

namespace ptychoflow::stage {
namespace {

using ptycho::Random;
using ptycho::Yx;
namespace RandomStream = ptycho::RandomStream;

constexpr double least_pillar_px = 8;
constexpr double rounding = 1e-9;
constexpr double crystals_across = 7;   // of the pillar, where their size is left to us
constexpr Index air_px = 2;             // of the truth's volume around the pillar
constexpr double greatest_skew = 1e-3;  // of a square pixel
constexpr Index lines_per_voxel = 5;    // each way

/// How far the probe's middle goes on both sides of position 0, from one side to the other.
Yx<double> field_m(const ptycho::SimulationPlan& plan) {
  Yx<double> low, high;
  for (const auto& at : plan.positions_m) {
    low = {std::min(low.y, at.y), std::min(low.x, at.x)};
    high = {std::max(high.y, at.y), std::max(high.x, at.x)};
  }
  return {2 * std::min(-low.y, high.y), 2 * std::min(-low.x, high.x)};
}

void require_square(Yx<double> pixel_m) {
  if (std::abs(pixel_m.y / pixel_m.x - 1) <= greatest_skew) return;
  throw Error(ErrorCode::usage,
              fmt::format("tomogram: object pixels of {:.4g} × {:.4g} m are not square, and voxels are cubes: take a "
                          "square frame_size",
                          pixel_m.y, pixel_m.x));
}

void require_memory(const Extents<3>& shape) {
  const double bytes =
      sizeof(float) * static_cast<double>(shape[0]) * static_cast<double>(shape[1]) * static_cast<double>(shape[2]);
  const double memory = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  if (bytes < memory / 2) return;
  constexpr double gib = 1 << 30;
  throw Error(ErrorCode::resource,
              fmt::format("tomogram: the true volume of {} × {} × {} voxels needs {:.3g} GiB, more than half of the "
                          "{:.3g} GiB here: take a smaller diameter_m or height_m",
                          shape[0], shape[1], shape[2], bytes / gib, memory / gib));
}

}  // namespace

Series::Series(SimulateParameters parameters) : parameters_(std::move(parameters)) {
  first_.emplace(settings_of(0));
  pixel_m_ = first_->grid.pixel_m;
  if (is_tomogram()) require_square(pixel_m_);
  if (parameters_.pillar) make_pillar(*first_);
  if (is_tomogram()) require_memory(volume_shape());
}

void Series::make_pillar(const ptycho::SimulationPlan& plan) {
  const double amplitude_min = plan.settings.specimen.amplitude_min;
  const double phase_min_rad = plan.settings.specimen.phase_min_rad;
  if (!(phase_min_rad < 0)) {
    throw Error(ErrorCode::usage,
                fmt::format("pillar: phase_min_rad = {} must be negative: matter is behind air", phase_min_rad));
  }
  const auto& given = *parameters_.pillar;
  const Yx<double> field = field_m(plan), shift = greatest_shift_m();
  // The probe's middle passes the pillar by a quarter of the probe, so that there is air which is lit well.
  const double air_m = plan.probe_diameter_m / 2;
  const auto room_for_it = [&](double span_m, double shift_m) {
    return std::max(span_m - 2 * shift_m - air_m, least_pillar_px * plan.grid.pixel_m.x);
  };
  pillar_.diameter_m = given.diameter_m.value_or(room_for_it(field.x, shift.x));
  pillar_.height_m = given.height_m.value_or(room_for_it(field.y, shift.y));
  pillar_.tip_m = given.tip_m.value_or(pillar_.height_m / 4);
  pillar_.crystal_m = given.crystal_m.value_or(std::min(pillar_.diameter_m, pillar_.height_m) / crystals_across);
  if (const double needed = pillar_.diameter_m + 2 * shift.x + air_m; field.x < needed * (1 - rounding)) {
    throw Error(ErrorCode::usage,
                fmt::format("pillar: the scan's field, {:.4g} m from its first to its last column, is too narrow for a "
                            "pillar {:.4g} m wide, shifts of {:.4g} m to both sides and some air: it must be {:.4g} m "
                            "wide; take more frames, a larger step_m or a smaller diameter_m",
                            field.x, pillar_.diameter_m, shift.x, needed));
  }
  const double wavenumber_per_m = 2 * pi / plan.settings.optics.wavelength_m;
  pillar_.matrix = {-phase_min_rad / (wavenumber_per_m * pillar_.diameter_m),
                    -std::log(amplitude_min) / (wavenumber_per_m * pillar_.diameter_m)};
  pillar_.crystal = {given.crystal_delta * pillar_.matrix.delta, given.crystal_beta * pillar_.matrix.beta};
  pillar_.crystals = given.crystals;
  pillar_.pores = given.pores;
  pillar_.seed = Random(parameters_.settings.seed, RandomStream::specimen)();
  phantom_ = ptycho::make_phantom(pillar_);
}

Index Series::scan_count() const {
  return is_tomogram() ? static_cast<Index>(parameters_.tomogram->angle_deg.size()) : 1;
}

std::string Series::scan_name(Index scan) const {
  if (!is_tomogram()) return parameters_.name;
  return fmt::format("{}_{:0{}}", parameters_.name, scan + 1, std::to_string(scan_count()).size());
}

double Series::rotation_deg(Index scan) const {
  return is_tomogram() ? parameters_.tomogram->angle_deg[static_cast<std::size_t>(scan)] : 0;
}

ptycho::SimulationSettings Series::settings_of(Index scan) const {
  auto settings = parameters_.settings;
  if (!is_tomogram()) return settings;
  settings.detector_seed = settings.seed;
  settings.seed = Random(settings.seed, RandomStream::series + static_cast<std::uint64_t>(scan))();
  settings.rim = ptycho::Rim::straight;
  return settings;
}

Yx<double> Series::greatest_shift_m() const {
  if (!is_tomogram()) return {};
  const auto& t = *parameters_.tomogram;
  return {t.shift_m.y + t.drift_m.y / 2, t.shift_m.x + t.drift_m.x / 2};
}

Yx<double> Series::shift_px(Index scan) const {
  if (!is_tomogram()) return {};
  const auto& t = *parameters_.tomogram;
  Random random(settings_of(scan).seed, RandomStream::shift);
  const double y = random.uniform(-t.shift_m.y, t.shift_m.y), x = random.uniform(-t.shift_m.x, t.shift_m.x);
  const double time = scan_count() > 1 ? static_cast<double>(scan) / static_cast<double>(scan_count() - 1) : 0.5;
  return {(y + t.drift_m.y * (time - 0.5)) / pixel_m_.y, (x + t.drift_m.x / 2 * std::sin(2 * pi * time)) / pixel_m_.x};
}

ptycho::SimulationPlan Series::plan(Index scan) {
  if (scan > 0 || !first_) return ptycho::SimulationPlan(settings_of(scan));
  ptycho::SimulationPlan plan = std::move(*first_);
  first_.reset();
  return plan;
}

ptycho::Simulator Series::simulator(ptycho::SimulationPlan plan, Index scan, device::ThreadPool& pool) const {
  if (!parameters_.pillar) return ptycho::Simulator(std::move(plan));
  const Yx<double> middle = plan.middle_px(), shift = shift_px(scan);
  auto object = ptycho::project(phantom_, rotation_deg(scan) * pi / 180,
                                {plan.object_shape, pixel_m_, {middle.y + shift.y, middle.x + shift.x}},
                                2 * pi / plan.settings.optics.wavelength_m, pool);
  return {std::move(plan), std::move(object)};
}

Extents<3> Series::volume_shape() const {
  const auto voxels = [&](double length_m) {
    return 2 * (static_cast<Index>(std::ceil(length_m / 2 / pixel_m_.x)) + air_px) + 1;
  };
  return {voxels(pillar_.height_m), voxels(pillar_.diameter_m), voxels(pillar_.diameter_m)};
}

device::Array<float, 3> Series::volume(device::ThreadPool& pool) const {
  return ptycho::sample_volume(phantom_, volume_shape(), pixel_m_.x, lines_per_voxel, pool);
}

Json Series::figures() const {
  if (!parameters_.pillar) return Json::object();
  return {{"pillar",
           {{"diameter_m", pillar_.diameter_m},
            {"height_m", pillar_.height_m},
            {"crystal_m", pillar_.crystal_m},
            {"delta", pillar_.matrix.delta},
            {"crystal_delta", pillar_.crystal.delta}}}};
}

}  // namespace ptychoflow::stage
