// Speed of the engine on a GPU. Prints Markdown tables for tests/bench/RESULTS.md; see usage().
//
// "passes" is the time of an iteration in units of what the card takes to read or write ψ once, at the rate of its own
// copies, measured in the same run: 15 is what cuFFT and fused kernels need without any cache.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/device/on_host.hpp"
#include "core/ptycho/engine.hpp"
#include "core/ptycho/gpu.hpp"

namespace ptychoflow::ptycho {
namespace {

struct Case {
  const char* name;
  Index size, modes, views;
  bool twofold = false;
  int iterations = 10;
  Index batch_views = 0;
  ObjectSum object_sum = ObjectSum::atomic;
  std::optional<double> modulus_bound{};  ///< none: the paper's update
  double room = 1;                        ///< of what it would take on the card: what it may take
};

struct Timing {
  double seconds = 0;  ///< the median of an iteration
  double total = 0;    ///< all timed iterations
  BatchPlan plan;
};

/// Numbers in [0, 1) that look random enough; a generator of the library would take longer than the benchmark.
template <class T>
void fill(T* data, Index count, T scale, T offset) {
  std::uint64_t state = 1;
  for (Index i = 0; i < count; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    data[i] = scale * static_cast<T>(static_cast<double>(state >> 40) / (1 << 24)) + offset;
  }
}

template <class T>
device::Array<Complex<T>, 3> random_modes(Extents<3> extents, device::Memory* memory) {
  device::Array<Complex<T>, 3> modes(extents);
  fill(&modes.data()->re, 2 * modes.size(), T(1), T(-0.3));
  return device::moved_to(memory, std::move(modes));
}

/// Of the processor's memory, for what the card may not have.
constexpr std::uint64_t host_bytes = std::uint64_t{100} << 30;

template <class T>
Workload workload(const Case& c, const Layout& layout) {
  return {layout.frame, layout.object, c.views, c.views, c.modes, 1, Index{sizeof(T)}};
}

std::unique_ptr<Gpu> open_for(const Case& c, const Workload& work) {
  GpuOptions options{.object_sum = c.object_sum, .batch_views = c.batch_views, .host_bytes = host_bytes};
  if (c.room < 1) {
    const DeviceFacts roomy{std::numeric_limits<std::uint64_t>::max(), 0, 0};
    options.device_bytes = static_cast<std::uint64_t>(c.room * static_cast<double>(plan_batches(work, roomy).total()));
  }
  return open_gpu(options, {});
}

template <class T>
Timing time_case(const Case& c) {
  const auto side = static_cast<Index>(std::sqrt(static_cast<double>(c.views)));
  const Index step = std::max<Index>(c.size / 12, 1);
  Layout layout;
  layout.frame = {c.size, c.size};
  layout.object = {c.size + step * (side + 1), c.size + step * (side + 1)};
  layout.pixel_size_m = {1e-8, 1e-8};
  const auto gpu = open_for(c, workload<T>(c, layout));
  Timing timing;
  timing.plan = plan_batches(workload<T>(c, layout), gpu->facts(), c.batch_views);
  std::unique_ptr<Kernels<T>> kernels;
  if constexpr (std::is_same_v<T, float>) {
    kernels = gpu->single_kernels({c.size, c.size});
  } else {
    kernels = gpu->double_kernels({c.size, c.size});
  }
  // A square raster whose views overlap by about nine tenths of their width, as in the paper.
  std::vector<LocalView> views;
  for (Index j = 0; j < c.views; ++j) {
    layout.windows.push_back({std::min(j / side, side) * step, j % side * step});
    views.push_back({j, j});
  }
  device::Array<T, 3> magnitudes = device::Array<T, 3>::uninitialized({c.views, c.size, c.size});
  fill(magnitudes.data(), magnitudes.size(), T(20), T(0));
  device::Memory* memory = kernels->memory();
  State<T> state;
  state.probe = random_modes<T>({c.modes, c.size, c.size}, memory);
  state.object = random_modes<T>({1, layout.object.y, layout.object.x}, memory);
  device::Memory* const theirs = timing.plan.magnitudes_on_host ? gpu->far_memory() : memory;
  const Problem<T> problem(
      layout, std::make_shared<device::Array<T, 3>>(device::moved_to(theirs, std::move(magnitudes))), views);
  Settings settings;
  settings.probe_start = 1;
  settings.modulus_bound = c.modulus_bound;
  Engine<T> engine(problem, state, settings, *kernels, {});
  for (int i = 0; i < 2; ++i) engine.iterate();  // scratch memory is allocated, and the sweep recorded
  std::vector<double> seconds;
  for (int i = 0; i < c.iterations; ++i) seconds.push_back(engine.iterate().seconds);
  for (const double s : seconds) timing.total += s;
  std::nth_element(seconds.begin(), seconds.begin() + seconds.size() / 2, seconds.end());
  timing.seconds = seconds[seconds.size() / 2];
  return timing;
}

void print_case(const Case& c, double copy_rate, double far_copy_rate) {
  const Timing t = c.twofold ? time_case<double>(c) : time_case<float>(c);
  const double pass = static_cast<double>(t.plan.exit_waves) / copy_rate;
  const auto copied = static_cast<double>(t.plan.traffic_per_iteration());
  fmt::print("| {} | {}² | {} | {} | {} | {} | {} | {:.2f} | {:.3f} | {:.1f} | {:.2f} | {} |\n", c.name, c.size,
             c.modes, c.views, c.twofold ? "double" : "single", c.object_sum == ObjectSum::gather ? "gather" : "atomic",
             t.plan.batch_views, 1e3 * t.seconds, 1e6 * t.seconds / static_cast<double>(c.views * c.modes),
             t.seconds / pass, t.total,
             copied > 0 ? fmt::format("{:.2f} GB, {:.2f}", copied / 1e9, 1e3 * copied / far_copy_rate) : "–");
  std::fflush(stdout);
}

int run(bool whole) {
  double copy_rate = 0, far_copy_rate = 0;
  {
    const auto gpu = open_gpu({}, {});
    copy_rate = gpu->copy_rate();
    far_copy_rate = gpu->far_copy_rate();
    fmt::print("{}; copies at {:.2f} TB/s (read and written), from the processor's memory at {:.1f} GB/s\n\n",
               gpu->description(), copy_rate / 1e12, far_copy_rate / 1e9);
  }
  fmt::print(
      "| case | frame | modes | views | precision | object sum | batch | ms an iteration | µs per view·mode | passes | "
      "s in all | copied to and from the card, ms that takes |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
  const std::optional<double> exact;
  std::vector<Case> cases = {
      {"small", 128, 3, 400},
      {"small", 128, 3, 400, true},
      {"small, a quarter of its memory", 128, 3, 400, false, 10, 0, ObjectSum::atomic, exact, 0.25}};
  if (whole) {
    cases = {{"Fig. 4, 50 iterations", 188, 5, 10000, true, 50},
             {"Fig. 4, 50 iterations", 188, 5, 10000, false, 50},
             {"Fig. 4, fixed order", 188, 5, 10000, false, 10, 0, ObjectSum::gather},
             {"Fig. 4, fixed order", 188, 5, 10000, true, 10, 0, ObjectSum::gather},
             {"Fig. 4, relaxed", 188, 5, 10000, false, 10, 0, ObjectSum::atomic, 0.25},
             {"Fig. 4, relaxed", 188, 5, 10000, true, 10, 0, ObjectSum::atomic, 0.25},
             {"Fig. 4, no room for magnitudes", 188, 5, 10000, false, 5, 0, ObjectSum::atomic, exact, 0.95},
             {"Fig. 4, half of its memory", 188, 5, 10000, false, 3, 0, ObjectSum::atomic, exact, 0.5},
             {"Fig. 4, a quarter of its memory", 188, 5, 10000, false, 3, 0, ObjectSum::atomic, exact, 0.25},
             {"Fig. 3, a GPU's share", 200, 1, 5000, false, 20},
             {"Fig. 3, a GPU's share", 200, 1, 5000, true, 20}};
    for (const Index size : {128, 256, 512}) {
      for (const Index modes : {1, 3, 5}) cases.push_back({"", size, modes, size == 512 ? 500 : 2000});
    }
    for (const Index batch : {4, 8, 16, 32, 64, 128, 256})
      cases.push_back({"Fig. 4, batch given", 188, 5, 10000, false, 5, batch});
  }
  for (const Case& c : cases) print_case(c, copy_rate, far_copy_rate);
  return 0;
}

}  // namespace
}  // namespace ptychoflow::ptycho

int main(int argc, char** argv) {
  if (argc > 2 || (argc == 2 && std::strcmp(argv[1], "--quick") != 0)) {
    fmt::print(stderr, "usage: bench_gpu [--quick]\n");
    return 2;
  }
  try {
    return ptychoflow::ptycho::run(argc == 1);
  } catch (const ptychoflow::Error& e) {
    fmt::print(stderr, "bench_gpu: {}\n", e.what());
    return static_cast<int>(e.code());
  }
}
