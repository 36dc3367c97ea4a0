// Time and result of tomography: bench_tomo SINOGRAM ANGLES WIDTH [HOW] [SLICES] [SLICE] [THREADS] [DEVICE]. HOW: a
// filter of filtered back projection, or sirt or cgls, ten iterations of which are made. DEVICE: cpu or cuda.
// SINOGRAM: raw float32 [angle][x], as scikit-image's radon makes it but for the order of axes: angles evenly spaced
// from 0 to 180°, the other way round than ours, and the axis at pixel WIDTH / 2 of projections and slices. SLICES
// copies of it are reconstructed side by side; the first is written to SLICE, raw float32 [y][x]. Prints one line of
// JSON; tomo_bench.py runs it beside others.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

#include "core/base/units.hpp"
#include "core/device/array.hpp"
#include "core/tomo/filtered_back_projection.hpp"
#include "core/tomo/gpu.hpp"
#include "core/tomo/iterative.hpp"

namespace ptychoflow::tomo {
namespace {

constexpr int iterations = 10;  // of sirt and cgls

/// Time that all threads of this process have computed.
double process_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

Filter filter_named(const std::string& name) {
  return name == "shepp_logan"   ? Filter::shepp_logan
         : name == "hann"        ? Filter::hann
         : name == "butterworth" ? Filter::butterworth
         : name == "derivative"  ? Filter::derivative
                                 : Filter::ramp;
}

int run(int argc, char** argv) {
  const Index angles = std::atol(argv[2]), width = std::atol(argv[3]);
  const std::string how = argc > 4 ? argv[4] : "ramp", device = argc > 8 ? argv[8] : "cpu";
  const Index slices = argc > 5 ? std::atol(argv[5]) : 1;
  const Index side = width / 2 * 2 + 1;  // so that pixel width / 2 is in the middle
  device::Array<float, 3> sinograms({slices, angles, width}), volume({slices, side, side});
  std::ifstream file(argv[1], std::ios::binary);
  const std::streamsize bytes = angles * width * static_cast<Index>(sizeof(float));
  if (!file.read(reinterpret_cast<char*>(sinograms.data()), bytes)) {
    fmt::print(stderr, "bench_tomo: {} has not {} bytes\n", argv[1], bytes);
    return 3;
  }
  for (Index s = 1; s < slices; ++s) std::copy_n(sinograms.data(), angles * width, sinograms[s].data());
  ParallelBeam beam{{}, static_cast<double>(width / 2)};
  for (Index a = 0; a < angles; ++a)
    beam.angle_rad.push_back(-pi * static_cast<double>(a) / static_cast<double>(angles));
  device::ThreadPool threads(argc > 7 ? std::atoi(argv[7]) : 1);
  const SliceGeometry geometry{beam, width, side};
  const auto kernels = device == "cuda" ? make_gpu_slice_kernels(geometry, filter_named(how), comm::Communicator())
                                        : make_cpu_slice_kernels(geometry, filter_named(how), threads);
  const auto reconstruct = [&] {
    if (how == "sirt") {
      sirt(*kernels, sinograms, 1, iterations, Values::any, volume);
    } else if (how == "cgls") {
      cgls(*kernels, sinograms, 1, iterations, volume);
    } else {
      filtered_back_projection(*kernels, sinograms, 1, volume);
    }
  };
  std::vector<double> processor, wall;
  for (int i = 0; i < 5; ++i) {
    const double start = process_seconds();
    const auto wall_start = std::chrono::steady_clock::now();
    reconstruct();
    processor.push_back((process_seconds() - start) / static_cast<double>(slices));
    wall.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - wall_start).count() /
                   static_cast<double>(slices));
  }
  std::sort(processor.begin(), processor.end());
  std::sort(wall.begin(), wall.end());
  if (argc > 6) {
    std::ofstream out(argv[6], std::ios::binary);
    for (Index y = 0; y < width; ++y)
      out.write(reinterpret_cast<const char*>(&volume(0, y, 0)), width * static_cast<Index>(sizeof(float)));
  }
  fmt::print(
      "{{\"width\": {}, \"angles\": {}, \"slices\": {}, \"how\": \"{}\", \"device\": \"{}\", "
      "\"cpu_s_per_slice\": {:.6f}, \"wall_s_per_slice\": {:.6f}}}\n",
      width, angles, slices, how, device, processor[2], wall[2]);
  return 0;
}

}  // namespace
}  // namespace ptychoflow::tomo

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: bench_tomo SINOGRAM ANGLES WIDTH [HOW] [SLICES] [SLICE] [THREADS] [DEVICE]\n");
    return 2;
  }
  return ptychoflow::tomo::run(argc, argv);
}
