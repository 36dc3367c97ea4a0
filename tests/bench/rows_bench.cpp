// Time of each row loop on one 128×128 mode, whose arrays stay in the core's cache: where an iteration's time goes
// beside its transforms. bench_rows [--benchmark_filter=REGEX]
#include <benchmark/benchmark.h>

#include "core/device/array.hpp"
#include "core/device/fft.hpp"
#include "core/ptycho/rows_cpu.hpp"

namespace ptychoflow::ptycho {
namespace {

constexpr Index n = 128;

struct Mode {
  device::Array<Complex<float>, 2> psi{{n, n}}, wave{{n, n}}, probe{{n, n}}, object{{n, n}};
  device::Array<float, 2> model{{n, n}}, measured{{n, n}};

  Mode() {
    std::fill(psi.begin(), psi.end(), Complex<float>{1, 2});
    std::fill(wave.begin(), wave.end(), Complex<float>{2, 1});
    std::fill(probe.begin(), probe.end(), Complex<float>{0.3f, 0.4f});
    std::fill(object.begin(), object.end(), Complex<float>{1, -0.2f});
    std::fill(model.begin(), model.end(), 1.5f);
    std::fill(measured.begin(), measured.end(), 1.0f);
  }
};

template <class Loop>
void each_row(benchmark::State& state, const Loop& loop) {
  Mode mode;
  for (auto _ : state) {
    for (Index y = 0; y < n; ++y) loop(mode, y);
    benchmark::ClobberMemory();
  }
}

BENCHMARK_CAPTURE(each_row, reflect, [](Mode& m, Index y) {
  rows::reflect(&m.wave(y, 0), &m.probe(y, 0), &m.object(y, 0), &m.psi(y, 0), n);
})->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(each_row, add_norm, [](Mode& m, Index y) {
  rows::add_norm(&m.model(y, 0), &m.wave(y, 0), n);
})->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(each_row, deviation, [](Mode& m, Index y) {
  benchmark::DoNotOptimize(rows::deviation(&m.model(y, 0), &m.measured(y, 0), 1.0f, n));
})->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(each_row, modulus_factor, [](Mode& m, Index y) {
  rows::modulus_factor(&m.model(y, 0), &m.measured(y, 0), 0.5f, 1.0f, n);
})->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(each_row, scale, [](Mode& m, Index y) {
  rows::scale(&m.wave(y, 0), &m.measured(y, 0), n);
})->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(each_row, update_exit_wave, [](Mode& m, Index y) {
  benchmark::DoNotOptimize(
      rows::update_exit_wave(&m.psi(y, 0), &m.wave(y, 0), &m.probe(y, 0), &m.object(y, 0), 0.8f, n));
})->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(each_row, add_conjugate_product, [](Mode& m, Index y) {
  rows::add_conjugate_product(&m.wave(y, 0), &m.probe(y, 0), &m.psi(y, 0), n);
})->Unit(benchmark::kMicrosecond);

void transform(benchmark::State& state) {
  Mode mode;
  const device::Fft2d<float> fft(n, n, device::FftPlanning::measured);
  for (auto _ : state) {
    fft.forward(mode.wave.data());
    benchmark::ClobberMemory();
    for (auto& v : mode.wave) v = v * (1.0f / n);  // keeps numbers in range
  }
}
BENCHMARK(transform)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ptychoflow::ptycho

BENCHMARK_MAIN();
