// Unwraps a phase from a file: bench_phase quality_guided|least_squares NY NX PHASE WEIGHT RESULT [REPEATS]. The files
// are raw float32 [y][x] of this machine's byte order. Prints the seconds of the fastest run;
// tests/bench/phase_bench.py compares.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "core/phase/unwrap.hpp"

namespace ptychoflow::phase {
namespace {

Map read_map(const char* file, Extents<2> extents) {
  Map map(extents);
  std::ifstream in(file, std::ios::binary);
  in.read(reinterpret_cast<char*>(map.data()), static_cast<std::streamsize>(map.bytes()));
  if (!in) throw Error(ErrorCode::data, fmt::format("{} does not hold {}×{} float32", file, extents[0], extents[1]));
  return map;
}

void run(char** arguments, int repeats) {
  const auto method =
      std::strcmp(arguments[1], "least_squares") == 0 ? UnwrapMethod::least_squares : UnwrapMethod::quality_guided;
  const Extents<2> extents{std::strtol(arguments[2], nullptr, 10), std::strtol(arguments[3], nullptr, 10)};
  const Map wrapped = read_map(arguments[4], extents), weight = read_map(arguments[5], extents);
  Map result;
  double best = 1e9;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    result = unwrap(wrapped, weight, method);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::ofstream out(arguments[6], std::ios::binary);
  out.write(reinterpret_cast<const char*>(result.data()), static_cast<std::streamsize>(result.bytes()));
  if (!out.flush()) throw Error(ErrorCode::resource, fmt::format("{} could not be written", arguments[6]));
  fmt::print("{:.6f}\n", best);
}

}  // namespace
}  // namespace ptychoflow::phase

int main(int argc, char** argv) {
  if (argc < 7) {
    fmt::print(stderr, "usage: bench_phase quality_guided|least_squares NY NX PHASE WEIGHT RESULT [REPEATS]\n");
    return 2;
  }
  try {
    ptychoflow::phase::run(argv, argc > 7 ? static_cast<int>(std::max(1L, std::strtol(argv[7], nullptr, 10))) : 1);
  } catch (const ptychoflow::Error& e) {
    fmt::print(stderr, "{}\n", e.what());
    return static_cast<int>(e.code());
  }
  return 0;
}
