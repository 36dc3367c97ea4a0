// The paper's update on a whole simulated scan, engine against reference: ten iterations on all 200 frames. Rounding
// leaves 1e-10 in double and 1e-4 in single precision.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "core/base/units.hpp"
#include "core/io/scan.hpp"
#include "core/ptycho/engine.hpp"
#include "core/ptycho/initial_guess.hpp"
#include "core/ptycho/reconstruction.hpp"
#include "tests/reference/difference_map.hpp"

namespace ptychoflow::ptycho {
namespace {

std::filesystem::path scan_file() {
  const char* folder = std::getenv("PTYCHOFLOW_DATA");
  return std::filesystem::path(folder ? folder : DEFAULT_DATA) / "peer" / "small_1mode.cxi";
}

/// The scan as the reference wants it.
struct SmallScan {
  reference::Scan scan;
  reference::Iterate start;
  Layout layout;

  explicit SmallScan(const std::filesystem::path& path) {
    const io::Scan file(path);
    const auto& h = file.header();
    const Index count = h.frame_count, n = h.frame_shape[0];
    std::vector<Yx<double>> positions;
    for (const auto& [x, y] : h.translation_m) positions.push_back({y, x});
    layout = lay_out({wavelength_m_from_energy_J(*h.energy_J), *h.distance_m, {*h.pixel_y_m, *h.pixel_x_m}, {n, n}},
                     positions);
    std::vector<double> counts(static_cast<std::size_t>(count * n * n));
    file.read_frames<double>(0, count, 1, {0, 0, {n, n}}, counts.data());
    scan.ny = scan.nx = static_cast<int>(n);
    scan.object_ny = static_cast<int>(layout.object.y);
    scan.object_nx = static_cast<int>(layout.object.x);
    scan.measured.assign(static_cast<std::size_t>(n * n), true);
    double total = 0;
    for (Index j = 0; j < count; ++j) {
      const auto& w = layout.windows[static_cast<std::size_t>(j)];
      scan.y0.push_back(static_cast<int>(w.y));
      scan.x0.push_back(static_cast<int>(w.x));
      std::vector<double> cornered(static_cast<std::size_t>(n * n));
      for (Index y = 0; y < n; ++y) {
        for (Index x = 0; x < n; ++x) {
          const double c = counts[static_cast<std::size_t>((j * n + y) * n + x)];
          cornered[static_cast<std::size_t>((y + n / 2) % n * n + (x + n / 2) % n)] = c;
          total += c;
        }
      }
      scan.counts.push_back(cornered);
    }
    reference::Wave probe;
    double power = 0;
    std::visit(
        [&](const auto& modes) {
          for (Index i = 0; i < n * n; ++i) {
            probe.emplace_back(modes.data()[i].re, modes.data()[i].im);
            power += std::norm(probe.back());
          }
        },
        file.initial_probe());
    for (auto& p : probe) p *= std::sqrt(total / static_cast<double>(count) / power);
    start.probe = {probe};
    // Not ones: outside the lens's aperture the probe alone has no light, so that the first modulus projection would
    // take the phase of those pixels from rounding noise, and no two programs would agree.
    std::mt19937_64 random(1);
    std::uniform_real_distribution<double> unit(0, 1);
    start.object = {reference::Wave(static_cast<std::size_t>(layout.object.y * layout.object.x))};
    for (auto& o : start.object[0]) o = std::polar(0.5 + 0.5 * unit(random), pi * (unit(random) - 0.5));
  }

  template <class T>
  static device::Array<Complex<T>, 3> one(const reference::Wave& wave, Yx<Index> shape) {
    device::Array<Complex<T>, 3> array({1, shape.y, shape.x});
    std::transform(wave.begin(), wave.end(), array.begin(), [](reference::Complex v) {
      return Complex<T>{static_cast<T>(v.real()), static_cast<T>(v.imag())};
    });
    return array;
  }
};

/// ‖a − b‖/‖b‖, over the pixels that the probe lights where their coverage is given.
template <class T>
double difference(const device::Array<Complex<T>, 3>& a, const reference::Wave& b,
                  const device::Array<float, 2>* coverage = nullptr) {
  double change = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (coverage && coverage->data()[i] < lit_coverage) continue;
    const auto v = a.data()[i];
    change += std::norm(reference::Complex(v.re, v.im) - b[i]);
    size += std::norm(b[i]);
  }
  return std::sqrt(change / size);
}

template <class T>
struct Outcome {
  State<T> state;
  device::Array<float, 2> coverage;
};

template <class T>
Outcome<T> iterated(const SmallScan& small, int iterations) {
  const auto& scan = small.scan;
  const auto views = static_cast<Index>(scan.y0.size());
  auto magnitudes = std::make_shared<device::Array<T, 3>>(Extents<3>{views, scan.ny, scan.nx});
  std::vector<LocalView> local;
  for (Index j = 0; j < views; ++j) {
    std::transform(scan.counts[static_cast<std::size_t>(j)].begin(), scan.counts[static_cast<std::size_t>(j)].end(),
                   magnitudes->view()[j].begin(), [](double c) { return static_cast<T>(std::sqrt(c)); });
    local.push_back({j, j});
  }
  const Problem<T> problem(small.layout, magnitudes, local);
  State<T> state;
  state.probe = SmallScan::one<T>(small.start.probe[0], small.layout.frame);
  state.object = SmallScan::one<T>(small.start.object[0], small.layout.object);
  Settings settings;
  settings.modulus_bound.reset();
  device::ThreadPool threads(2);
  const auto kernels = make_cpu_kernels<T>(threads, small.layout.frame);
  Engine<T> engine(problem, state, settings, *kernels, {});
  for (int i = 0; i < iterations; ++i) engine.iterate();
  auto coverage = coverage_of<T>(engine.light_on_object(), {});
  return {std::move(state), std::move(coverage)};
}

TEST(PaperUpdate, AgreesWithTheReferenceOnAWholeScan) {
  if (!std::filesystem::exists(scan_file())) {
    GTEST_SKIP() << "no scan " << scan_file() << ": set PTYCHOFLOW_DATA to the folder of the scans";
  }
  constexpr int iterations = 10;
  const SmallScan small(scan_file());
  auto expected = small.start;
  reference::start(small.scan, expected);
  for (int i = 1; i <= iterations; ++i) reference::iterate(small.scan, {}, i, expected);

  const auto twofold = iterated<double>(small, iterations);
  EXPECT_LT(difference(twofold.state.object, expected.object[0]), 1e-10);
  EXPECT_LT(difference(twofold.state.probe, expected.probe[0]), 1e-10);
  // In the dark rim a numerator of rounding noise is divided by almost nothing: single precision counts where there is
  // light, as ε does.
  const auto single = iterated<float>(small, iterations);
  EXPECT_LT(difference(single.state.object, expected.object[0], &single.coverage), 1e-4);
  EXPECT_LT(difference(single.state.probe, expected.probe[0]), 1e-4);
}

}  // namespace
}  // namespace ptychoflow::ptycho
