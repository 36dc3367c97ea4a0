// Time of one iteration on random data: bench_engine SIZE MODES [VIEWS] [THREADS] [single|double] [whole]. Prints one
// line of JSON; ci/bench runs it beside a numpy program and prints the ratio.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>

#include "core/device/strip_fft.hpp"
#include "core/ptycho/engine.hpp"

namespace ptychoflow::ptycho {
namespace {

template <class T>
void fill(T* data, Index n, std::mt19937& random) {
  std::uniform_real_distribution<T> unit(0, 1);
  std::generate(data, data + n, [&] { return unit(random); });
}

/// Time that this thread has computed: what one thread takes, whoever else uses the machine.
double thread_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

/// Microseconds per view and mode.
struct Timing {
  double wall;
  double cpu;     ///< of the calling thread
  double fft;     ///< of a transform there and back, of data in the cache: what no engine can do without
  double stream;  ///< of reading and writing ψ once: nor without this
  double cover;   ///< of a view in the object's denominator, which a rank adds up for views of others, too
};

/// The transforms of a frame there and back, strip by strip: microseconds of the thread's clock.
template <class T>
double time_fft(Index size) {
  std::mt19937 random(2);
  const Index strips = (size + device::strip_lanes<T> - 1) / device::strip_lanes<T>,
              numbers = size * device::strip_row<T>;
  device::Array<T, 2> wave({strips, numbers});
  const device::StripFft<T> fft(size);
  std::vector<double> times;
  for (int i = 0; i < 30; ++i) {
    fill(wave.data(), wave.size(), random);
    const double start = thread_seconds();
    for (int axis = 0; axis < 2; ++axis) {
      for (Index s = 0; s < strips; ++s) fft.forward(&wave(s, 0));
      for (Index s = 0; s < strips; ++s) fft.inverse(&wave(s, 0));
    }
    times.push_back(1e6 * (thread_seconds() - start));
  }
  return median(times);
}

/// Reads and writes as much memory as all exit waves, once: microseconds of the thread's clock.
template <class T>
double time_stream(Index numbers) {
  device::Array<T, 1> psi({numbers});
  std::vector<double> times;
  for (int i = 0; i < 5; ++i) {
    const double start = thread_seconds();
    for (T& v : psi) v = v * T(0.5) + T(1);
    times.push_back(1e6 * (thread_seconds() - start));
  }
  return median(times);
}

template <class T>
Timing time_engine(Index size, Index modes, Index views, int threads, Sums sums) {
  std::mt19937 random(1);
  Layout layout;
  layout.frame = {size, size};
  layout.object = {size + 200, size + 200};
  layout.pixel_size_m = {1e-8, 1e-8};
  std::uniform_int_distribution<Index> place(0, 199);
  std::vector<LocalView> local;
  for (Index j = 0; j < views; ++j) {
    layout.windows.push_back({place(random), place(random)});
    local.push_back({j, j});
  }
  auto magnitudes = std::make_shared<device::Array<T, 3>>(Extents<3>{views, size, size});
  fill(magnitudes->data(), magnitudes->size(), random);
  State<T> state;
  state.probe = device::Array<Complex<T>, 3>({modes, size, size});
  state.object = device::Array<Complex<T>, 3>({1, size + 200, size + 200});
  fill(&state.probe.data()->re, 2 * state.probe.size(), random);
  fill(&state.object.data()->re, 2 * state.object.size(), random);
  const Problem<T> problem(layout, magnitudes, local);
  Settings settings;
  settings.probe_start = 1;
  settings.sums = sums;
  device::ThreadPool pool(threads);
  const auto kernels = make_cpu_kernels<T>(pool, layout.frame);
  Engine<T> engine(problem, state, settings, *kernels, {});
  engine.iterate();
  std::vector<double> wall, cpu;
  for (int i = 0; i < 5; ++i) {
    const double start = thread_seconds();
    wall.push_back(engine.iterate().seconds);
    cpu.push_back(thread_seconds() - start);
  }
  Overlap<T> overlap;
  overlap.denominator = device::Array<T, 2>({layout.object.y, layout.object.x});
  std::vector<double> cover;
  for (int i = 0; i < 15; ++i) {
    const double start = thread_seconds();
    kernels->cover_object(problem, state, overlap);
    cover.push_back(thread_seconds() - start);
  }
  const double to_us = 1e6 / static_cast<double>(views * modes);
  return {median(wall) * to_us, median(cpu) * to_us, time_fft<T>(size),
          time_stream<T>(state.exit_waves.size()) / static_cast<double>(views * modes),
          median(cover) * 1e6 / static_cast<double>(views)};
}

}  // namespace
}  // namespace ptychoflow::ptycho

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: bench_engine SIZE MODES [VIEWS] [THREADS] [single|double] [whole]\n");
    return 2;
  }
  const auto argument = [&](int i, long otherwise) { return argc > i ? std::atol(argv[i]) : otherwise; };
  const long size = argument(1, 0), modes = argument(2, 0), views = argument(3, 48);
  const int threads = static_cast<int>(argument(4, 1));
  const bool twice = argc > 5 && std::strcmp(argv[5], "double") == 0;
  using namespace ptychoflow::ptycho;
  const Sums sums = argc > 6 && std::strcmp(argv[6], "whole") == 0 ? Sums::whole_numbers : Sums::floating_point;
  const Timing us = twice ? time_engine<double>(size, modes, views, threads, sums)
                          : time_engine<float>(size, modes, views, threads, sums);
  fmt::print(
      "{{\"size\": {}, \"modes\": {}, \"views\": {}, \"threads\": {}, \"precision\": \"{}\", "
      "\"us_per_view_mode\": {:.1f}, \"cpu_us_per_view_mode\": {:.1f}, \"fft_us\": {:.1f}, \"stream_us\": {:.1f}, "
      "\"cover_us_per_view\": {:.2f}}}\n",
      size, modes, views, threads, twice ? "double" : "single", us.wall, us.cpu, us.fft, us.stream, us.cover);
}
