#include "core/ptycho/simulation_plan.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.hpp"
#include "core/ptycho/random.hpp"

namespace ptychoflow::ptycho {
namespace {

constexpr double least_overlap = 0.5;       // below, neighbours share too little light to hold the object together
constexpr double widest_probe = 0.7;        // of the window; a wider one wraps around
constexpr Index rim_px = 8;                 // object beyond the outermost windows
constexpr double bytes_per_object_px = 40;  // complex double, a copy that travels, and the map it is made from

void check(const SimulationSettings& s) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorCode::usage, "simulate: " + what); };
  if (s.mode_powers.empty() || !std::all_of(s.mode_powers.begin(), s.mode_powers.end(), [](double p) { return p > 0; }))
    refuse("mode_powers must list one positive relative power for each probe mode");
  if (!(s.photons > 0) || s.photons > 4e9) refuse(fmt::format("photons = {:.4g} must be in (0, 4e9]", s.photons));
  if (!(s.dead_fraction >= 0 && s.dead_fraction < 1))
    refuse(fmt::format("dead_fraction = {} must be in [0, 1)", s.dead_fraction));
  if (!s.step_m && !(s.overlap >= 0 && s.overlap < 1)) refuse(fmt::format("overlap = {} must be in [0, 1)", s.overlap));
  if (s.fly_steps < 1 || !(s.fly_travel >= 0))
    refuse(fmt::format("fly_steps = {} must be positive and fly_travel = {} not negative", s.fly_steps, s.fly_travel));
}

Field main_mode(const SimulationSettings& s, const Grid& grid) {
  switch (s.probe) {
    case ProbeKind::aperture:
      return circular_aperture(grid, s.aperture_m);
    case ProbeKind::gaussian:
      return gaussian(grid, s.gaussian_m);
    case ProbeKind::zone_plate:
      return zone_plate(grid, s.zone_plate, s.optics.wavelength_m);
  }
  throw Error(ErrorCode::other, "internal error: unknown kind of probe");
}

void check_width(const SimulationSettings& s, double diameter_m, double window_m) {
  if (diameter_m <= widest_probe * window_m) return;
  const char* mend = s.probe == ProbeKind::zone_plate ? "a smaller defocus_m or a wider outer_zone_width_m"
                     : s.probe == ProbeKind::aperture ? "a smaller diameter_m"
                                                      : "a smaller fwhm_m";
  throw Error(
      ErrorCode::usage,
      fmt::format("simulate: the probe, {:.3g} m wide, is wider than {:.0f} % of the window that a frame sees, "
                  "{:.3g} m; take {}, or make the window wider: a longer detector distance_m or a smaller pixel_m",
                  diameter_m, 100 * widest_probe, window_m, mend));
}

void check_memory(Yx<double> shape, double step_m) {
  const double bytes = shape.y * shape.x * bytes_per_object_px;
  const double memory = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  if (bytes < memory / 2) return;
  constexpr double gib = 1 << 30;
  throw Error(
      ErrorCode::resource,
      fmt::format("simulate: an object of {:.4g} × {:.4g} pixels needs {:.3g} GiB on every rank, more than half "
                  "of the {:.3g} GiB here; take fewer frames or a smaller step (it is {:.3g} m; lengths are in "
                  "metres)",
                  shape.y, shape.x, bytes / gib, memory / gib, step_m));
}

/// Exponents of y and x of the m-th polynomial: 1, x, y, xy, x², y², then by rising degree.
Yx<int> exponents(std::size_t m) {
  constexpr Yx<int> first[] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {0, 2}, {2, 0}};
  if (m < std::size(first)) return first[m];
  int degree = 3;
  for (m -= std::size(first); m > static_cast<std::size_t>(degree); ++degree) m -= static_cast<std::size_t>(degree) + 1;
  return {static_cast<int>(m), degree - static_cast<int>(m)};
}

Complex<double> product(View<const Complex<double>, 2> a, View<const Complex<double>, 2> b) {
  Complex<double> sum;
  for (Index i = 0; i < a.size(); ++i) sum += conj(a.data()[i]) * b.data()[i];
  return sum;
}

}  // namespace

device::Array<Complex<double>, 3> incoherent_modes(const Field& main, const std::vector<double>& powers,
                                                   ModePlane plane) {
  const Index ny = main.extent(0), nx = main.extent(1);
  auto base = Field::copy_of(main);
  if (plane == ModePlane::far_field) to_far_field(base);
  // Polynomials about the centre of mass, in units of the rms width, so that they stay of order one.
  double total = 0;
  Yx<double> mean, square;
  for (Index y = 0; y < ny; ++y) {
    for (Index x = 0; x < nx; ++x) {
      const double p = norm(base(y, x)), fy = static_cast<double>(y), fx = static_cast<double>(x);
      total += p;
      mean = {mean.y + p * fy, mean.x + p * fx};
      square = {square.y + p * fy * fy, square.x + p * fx * fx};
    }
  }
  expect(total > 0, "a beam without light has no modes");
  mean = {mean.y / total, mean.x / total};
  const Yx<double> width{std::sqrt(square.y / total - mean.y * mean.y), std::sqrt(square.x / total - mean.x * mean.x)};
  const double all_powers = std::accumulate(powers.begin(), powers.end(), 0.0);

  auto modes = device::Array<Complex<double>, 3>::uninitialized({static_cast<Index>(powers.size()), ny, nx});
  for (Index m = 0; m < modes.extent(0); ++m) {
    const auto power_of = exponents(static_cast<std::size_t>(m));
    auto mode = Field::uninitialized({ny, nx});
    for (Index y = 0; y < ny; ++y) {
      for (Index x = 0; x < nx; ++x) {
        mode(y, x) = std::pow((static_cast<double>(y) - mean.y) / width.y, power_of.y) *
                     std::pow((static_cast<double>(x) - mean.x) / width.x, power_of.x) * base(y, x);
      }
    }
    if (plane == ModePlane::far_field) from_far_field(mode);
    const double before = power(mode);
    for (int round = 0; round < 2; ++round) {  // twice, for orthogonality to the last digit
      for (Index earlier = 0; earlier < m; ++earlier) {
        const View<const Complex<double>, 2> other = modes[earlier];
        const auto share = product(other, mode) / product(other, other).re;
        for (Index i = 0; i < mode.size(); ++i) mode.data()[i] += -share * other.data()[i];
      }
    }
    if (!(power(mode) > 1e-12 * before)) {
      throw Error(ErrorCode::usage, fmt::format("this probe is too narrow to have {} different modes: give fewer "
                                                "mode_powers or a wider probe",
                                                powers.size()));
    }
    scale_to_power(mode, total * powers[static_cast<std::size_t>(m)] / all_powers);
    std::copy(mode.begin(), mode.end(), modes[m].begin());
  }
  return modes;
}

SimulationPlan::SimulationPlan(const SimulationSettings& given) : settings(given) {
  SimulationSettings& s = settings;
  check(s);
  s.specimen.seed = Random(s.seed, RandomStream::specimen)();
  check_specimen(s.specimen);
  grid = {s.optics.frame, object_pixel_m(s.optics)};

  auto main = main_mode(s, grid);
  probe_diameter_m = equivalent_diameter_m(main, grid);
  check_width(s, probe_diameter_m, std::min(grid.width_m().y, grid.width_m().x));
  scale_to_power(main, s.photons);
  modes = incoherent_modes(main, s.mode_powers,
                           s.probe == ProbeKind::zone_plate ? ModePlane::far_field : ModePlane::sample);

  mask = device::Array<std::uint8_t, 2>({s.optics.frame.y, s.optics.frame.x});
  Random dead(s.detector_seed.value_or(s.seed), RandomStream::mask);
  for (auto& m : mask) m = dead.uniform() < s.dead_fraction;

  step_m = s.step_m ? *s.step_m : (1 - s.overlap) * probe_diameter_m;
  overlap = 1 - step_m / probe_diameter_m;
  if (overlap < least_overlap && s.frame_count > 1) {
    warnings.push_back(
        fmt::format("neighbouring views overlap by {:.0f} % of the probe's {:.3g} m; reconstruction wants "
                    "{:.0f} % or more: take a smaller step than {:.3g} m",
                    100 * std::max(overlap, 0.0), probe_diameter_m, 100 * least_overlap, step_m));
  }
  positions_m =
      scan_positions_m({s.pattern, s.frame_count, step_m, s.jitter, Random(s.seed, RandomStream::scan)(), s.rim});
  const bool fly = s.pattern == ScanPattern::fly;
  const Index steps = fly ? s.fly_steps : 1;
  for (Index e = 0; e < steps; ++e) {
    const double part = (static_cast<double>(e) + 0.5) / static_cast<double>(steps) - 0.5;
    travel_px.push_back(part * s.fly_travel * step_m / grid.pixel_m.x);
  }
  for (auto& at : positions_m) {
    Yx<double> px{at.y / grid.pixel_m.y, at.x / grid.pixel_m.x};
    if (s.placement == Placement::whole_pixel) px = {std::round(px.y), std::round(px.x)};
    at = {px.y * grid.pixel_m.y, px.x * grid.pixel_m.x};
    positions_px.push_back(px);
  }
  Yx<double> low = positions_px.front(), high = low;
  for (const auto& px : positions_px) {
    low = {std::min(low.y, px.y), std::min(low.x, px.x)};
    high = {std::max(high.y, px.y), std::max(high.x, px.x)};
  }
  const double reach = std::ceil(std::max(std::abs(travel_px.front()), std::abs(travel_px.back())));
  const Yx<double> origin{std::floor(low.y) - static_cast<double>(rim_px),
                          std::floor(low.x) - reach - static_cast<double>(rim_px)};
  const Yx<double> end{std::ceil(high.y) + static_cast<double>(s.optics.frame.y + rim_px),
                       std::ceil(high.x) + reach + static_cast<double>(s.optics.frame.x + rim_px)};
  check_memory({end.y - origin.y, end.x - origin.x}, step_m);
  for (auto& px : positions_px) px = {px.y - origin.y, px.x - origin.x};
  object_shape = {static_cast<Index>(end.y - origin.y), static_cast<Index>(end.x - origin.x)};
}

Yx<Index> SimulationPlan::offset_px(Index frame) const {
  const auto& at = positions_px[static_cast<std::size_t>(frame)];
  return {static_cast<Index>(std::round(at.y)), static_cast<Index>(std::round(at.x))};
}

Yx<double> SimulationPlan::middle_px() const {
  const Yx<double> at_m = positions_m.front(), at_px = positions_px.front();
  return {std::round(at_px.y - at_m.y / grid.pixel_m.y) + static_cast<double>(grid.shape.y / 2),
          std::round(at_px.x - at_m.x / grid.pixel_m.x) + static_cast<double>(grid.shape.x / 2)};
}

Window SimulationPlan::window(Index frame, Index exposure) const {
  Yx<double> at = positions_px[static_cast<std::size_t>(frame)];
  at.x += travel_px[static_cast<std::size_t>(exposure)];
  const Yx<double> whole{std::round(at.y), std::round(at.x)};
  Window w{{static_cast<Index>(whole.y), static_cast<Index>(whole.x)}, {at.y - whole.y, at.x - whole.x}};
  if (settings.placement == Placement::whole_pixel) w.rest = {};
  return w;
}

}  // namespace ptychoflow::ptycho
