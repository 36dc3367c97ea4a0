// Time and result of filtered back projection: tomo_bench SINOGRAM ANGLES WIDTH [FILTER] [SLICES] [SLICE] [THREADS].
// SINOGRAM: raw float32 [angle][x], as scikit-image's radon makes it but for the order of axes: angles evenly spaced
// from 0 to 180°, the other way round than ours, and the axis at pixel WIDTH / 2 of projections and slices. SLICES
// copies of it are reconstructed side by side; the first is written to SLICE, raw float32 [y][x]. Prints one line of
// JSON; tomo_bench.py runs it beside others.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

#include "core/base/units.hpp"
#include "core/device/array.hpp"
#include "core/tomo/filtered_back_projection.hpp"

namespace ptychoflow::tomo {
namespace {

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
  const std::string filter = argc > 4 ? argv[4] : "ramp";
  const Index slices = argc > 5 ? std::atol(argv[5]) : 1;
  const Index side = width / 2 * 2 + 1;  // so that pixel width / 2 is in the middle
  device::Array<float, 3> sinograms({slices, angles, width}), volume({slices, side, side});
  std::ifstream file(argv[1], std::ios::binary);
  const std::streamsize bytes = angles * width * static_cast<Index>(sizeof(float));
  if (!file.read(reinterpret_cast<char*>(sinograms.data()), bytes)) {
    fmt::print(stderr, "tomo_bench: {} has not {} bytes\n", argv[1], bytes);
    return 3;
  }
  for (Index s = 1; s < slices; ++s) std::copy_n(sinograms.data(), angles * width, sinograms[s].data());
  ParallelBeam beam{{}, static_cast<double>(width / 2)};
  for (Index a = 0; a < angles; ++a)
    beam.angle_rad.push_back(-pi * static_cast<double>(a) / static_cast<double>(angles));
  device::ThreadPool threads(argc > 7 ? std::atoi(argv[7]) : 1);
  const FilteredBackProjection fbp(beam, width, side, filter_named(filter));
  std::vector<double> seconds;
  for (int i = 0; i < 5; ++i) {
    const double start = process_seconds();
    fbp.reconstruct(sinograms, 1, volume, threads);
    seconds.push_back((process_seconds() - start) / static_cast<double>(slices));
  }
  std::sort(seconds.begin(), seconds.end());
  if (argc > 6) {
    std::ofstream out(argv[6], std::ios::binary);
    for (Index y = 0; y < width; ++y)
      out.write(reinterpret_cast<const char*>(&volume(0, y, 0)), width * static_cast<Index>(sizeof(float)));
  }
  fmt::print("{{\"width\": {}, \"angles\": {}, \"slices\": {}, \"filter\": \"{}\", \"cpu_s_per_slice\": {:.6f}}}\n",
             width, angles, slices, filter, seconds[2]);
  return 0;
}

}  // namespace
}  // namespace ptychoflow::tomo

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: tomo_bench SINOGRAM ANGLES WIDTH [FILTER] [SLICES] [SLICE] [THREADS]\n");
    return 2;
  }
  return ptychoflow::tomo::run(argc, argv);
}
