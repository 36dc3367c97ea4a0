#include "core/ptycho/initial_guess.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/io/result_file.hpp"
#include "core/ptycho/resample.hpp"

namespace ptychoflow::ptycho {
namespace {

using Stack = device::Array<Complex<double>, 3>;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

Stack in_double(const io::ModeStack& modes) {
  return std::visit(
      [](const auto& view) {
        Stack stack(view.extents());
        std::transform(view.begin(), view.end(), stack.begin(), [](auto v) {
          return Complex<double>{static_cast<double>(v.re), static_cast<double>(v.im)};
        });
        return stack;
      },
      modes);
}

Stack one_mode(const Field& field) {
  Stack stack({1, field.extent(0), field.extent(1)});
  std::copy(field.begin(), field.end(), stack.begin());
  return stack;
}

Grid grid_of(const Layout& layout) { return {layout.frame, layout.pixel_size_m}; }

/// Modes of a previous result, at this scan's pixel, centre on centre.
Stack probe_of_result(const std::string& file, const Layout& layout) {
  const io::ResultFile result = io::read_result(file);
  const Stack probe = in_double(result.probe);
  const auto centred = [](Yx<double> pixel_m, Index ny, Index nx) {
    return Raster{{-static_cast<double>(ny / 2) * pixel_m.y, -static_cast<double>(nx / 2) * pixel_m.x}, pixel_m};
  };
  const Yx<double> pixel_m{result.probe_pixel_size_m[0], result.probe_pixel_size_m[1]};
  return resample(probe, centred(pixel_m, probe.extent(1), probe.extent(2)),
                  centred(layout.pixel_size_m, layout.frame.y, layout.frame.x), layout.frame, {});
}

Stack probe_of_scan(const ScanLight& light, const Layout& layout) {
  if (light.initial_probe.empty()) {
    throw Error(
        ErrorCode::usage,
        "the scan brings no probe to start from: give `initial_probe`, for example {from_data: {defocus_m: 1e-3}}");
  }
  if (light.initial_probe.extent(1) != layout.frame.y || light.initial_probe.extent(2) != layout.frame.x) {
    throw Error(ErrorCode::data,
                fmt::format("the scan's probe has {}×{} px, its frames {}×{}", light.initial_probe.extent(1),
                            light.initial_probe.extent(2), layout.frame.y, layout.frame.x));
  }
  return Stack::copy_of(light.initial_probe);
}

/// All modes that the chosen start knows, at least one.
Stack known_modes(const GuessSettings& settings, const ScanLight& light, const Layout& layout) {
  const Grid grid = grid_of(layout);
  return std::visit(
      Overloaded{
          [&](const ProbeOfScan&) { return probe_of_scan(light, layout); },
          [&](const ProbeFromData& s) {
            return one_mode(from_data(light.mean_counts, light.mask, grid, light.wavelength_m, s.defocus_m));
          },
          [&](const ProbeAperture& s) { return one_mode(circular_aperture(grid, s.diameter_m)); },
          [&](const ProbeGaussian& s) { return one_mode(gaussian(grid, s.fwhm_m)); },
          [&](const ZonePlate& s) { return one_mode(zone_plate(grid, s, light.wavelength_m)); },
          [&](const ProbeRandom&) { return one_mode(random_illumination(grid, settings.seed)); },
          [&](const ProbeOfFile& s) { return probe_of_result(s.file, layout); },
      },
      settings.probe);
}

double total_power(const Stack& modes) {
  double sum = 0;
  for (const auto& p : modes) sum += norm(p);
  return sum;
}

}  // namespace

Stack start_probe(const GuessSettings& settings, const ScanLight& light, const Layout& layout, Index modes) {
  const Stack known = known_modes(settings, light, layout);
  for (const auto& p : known) {
    if (!std::isfinite(p.re) || !std::isfinite(p.im)) {
      throw Error(ErrorCode::data, "the starting probe has values that are not finite");
    }
  }
  Stack probe;
  if (settings.mode_start) {
    probe = make_modes(known.view()[0], modes, *settings.mode_start, settings.mode_diversity, settings.seed);
  } else {
    if (known.extent(0) < modes) {
      throw Error(ErrorCode::usage, fmt::format("`mode_start: file` with {} probe modes, but the starting probe has {}",
                                                modes, known.extent(0)));
    }
    probe = Stack({modes, layout.frame.y, layout.frame.x});
    std::copy_n(known.begin(), probe.size(), probe.begin());
  }
  double counts = 0;
  for (const double c : light.mean_counts) counts += c;
  const double power = total_power(probe);
  if (!(power > 0)) throw Error(ErrorCode::data, "the starting probe is zero everywhere");
  for (auto& p : probe) p *= std::sqrt(counts / power);
  return probe;
}

Stack start_object(const GuessSettings& settings, const Layout& layout, device::Share rows, Index modes) {
  Stack object({modes, rows.size(), layout.object.x});
  std::uniform_real_distribution<double> unit(0, 1);
  // Every pixel of the whole object has its own two random numbers, whoever holds it.
  const auto random_from = [&](Index mode) {
    std::mt19937_64 generator(settings.seed);
    const Index pixel = (mode * layout.object.y + rows.first) * layout.object.x;
    generator.discard(2 * static_cast<unsigned long long>(pixel));
    return generator;
  };
  const auto first = object.view()[0];
  if (std::holds_alternative<ObjectRandom>(settings.object)) {
    auto generator = random_from(0);
    for (auto& o : first) {
      const double amplitude = 0.5 + 0.5 * unit(generator);
      o = polar(amplitude, pi * (unit(generator) - 0.5));
    }
  } else if (const auto* s = std::get_if<ObjectOfFile>(&settings.object)) {
    const io::ResultFile result = io::read_result(s->file);
    const auto& [py, px] = result.object_pixel_size_m;
    const auto& [oy, ox] = result.object_origin_m;
    const Stack resampled = resample(in_double(result.object), {{oy, ox}, {py, px}},
                                     {layout.origin_m, layout.pixel_size_m}, layout.object, {1, 0});
    std::copy_n(&resampled(0, rows.first, 0), first.size(), first.begin());
  } else {
    std::fill(first.begin(), first.end(), Complex<double>{1, 0});
  }
  for (Index l = 1; l < modes; ++l) {
    auto generator = random_from(l);
    for (auto& o : object.view()[l]) {
      const double amplitude = settings.mode_diversity * unit(generator);
      o = polar(amplitude, 2 * pi * unit(generator));
    }
  }
  return object;
}

template <class T>
State<T> start_state(const GuessSettings& settings, const ScanLight& light, const Layout& layout, device::Share rows,
                     Index probe_modes, Index object_modes) {
  const auto narrowed = [](const Stack& stack) {
    device::Array<Complex<T>, 3> result(stack.extents());
    std::transform(stack.begin(), stack.end(), result.begin(), [](Complex<double> v) {
      return Complex<T>{static_cast<T>(v.re), static_cast<T>(v.im)};
    });
    return result;
  };
  State<T> state;
  state.probe = narrowed(start_probe(settings, light, layout, probe_modes));
  state.object = narrowed(start_object(settings, layout, rows, object_modes));
  return state;
}

template State<float> start_state(const GuessSettings&, const ScanLight&, const Layout&, device::Share, Index, Index);
template State<double> start_state(const GuessSettings&, const ScanLight&, const Layout&, device::Share, Index, Index);

}  // namespace ptychoflow::ptycho
