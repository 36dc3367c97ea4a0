// Files made and read by h5py: a witness that shares no code with ours.
#pragma once

#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

namespace ptychoflow::test {

/// Debian's interpreter, for which the packages python3-h5py and python3-numpy are.
inline constexpr const char* python = "/usr/bin/python3";

inline bool have_h5py() {
  static const bool have = std::system("/usr/bin/python3 -c 'import h5py, numpy' >/dev/null 2>&1") == 0;
  return have;
}

/// Runs a Python program with h5py and np imported. Returns what it printed, without the last newline.
/// @throws std::runtime_error with its output if it fails
inline std::string run_python(const std::filesystem::path& folder, const std::string& program) {
  const auto script = folder / (".script-" + std::to_string(::getpid()) + ".py");
  std::ofstream(script) << "import h5py, numpy as np\n" << program << "\n";
  const std::string command = std::string(python) + " '" + script.string() + "' 2>&1";
  std::string output;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) throw std::runtime_error("no shell");
  std::array<char, 4096> part;
  while (const auto n = std::fread(part.data(), 1, part.size(), pipe)) output.append(part.data(), n);
  const int status = ::pclose(pipe);
  std::filesystem::remove(script);
  if (status != 0) throw std::runtime_error("python failed:\n" + output);
  if (!output.empty() && output.back() == '\n') output.pop_back();
  return output;
}

/// A small sound CXI scan of 12 frames of 16 × 20 pixels (y, x), uint16; then `changes`, Python on the open file `f`.
/// Geometry: object pixels of 1/16 (y) and 1/20 (x) of 20 µm; positions on a circle of 4 µm.
inline void make_cxi(const std::filesystem::path& file, const std::string& changes = "") {
  run_python(file.parent_path(), R"(
f = h5py.File(')" + file.string() + R"(', 'w')
N, ny, nx = 12, 16, 20
rng = np.random.default_rng(1)
y, x = np.mgrid[:ny, :nx]
frames = rng.poisson(100 * np.exp(-((y - 8) ** 2 + (x - 10) ** 2) / 8), (N, ny, nx)).astype('uint16')
angle = 2 * np.pi * np.arange(N) / N
xyz = np.stack([4e-6 * np.cos(angle), 4e-6 * np.sin(angle), np.zeros(N)], 1)
d = 'entry_1/instrument_1/detector_1/'
f[d + 'data'] = frames
f['entry_1/data_1/data'] = h5py.SoftLink('/' + d + 'data')
f[d + 'distance'], f[d + 'x_pixel_size'], f[d + 'y_pixel_size'] = 2.0, 1e-5, 1e-5
mask = np.zeros((ny, nx), 'uint32')
mask[0, 0], mask[1, 1] = 1, 0x1000
f[d + 'mask'] = mask
s = 'entry_1/instrument_1/source_1/'
f[s + 'energy'] = 6.62607015e-34 * 299792458 / 1e-10
t = 'entry_1/sample_1/geometry_1/translation'
f[t] = xyz
def replace(path, value):
    del f[path]
    f[path] = value
)" + changes + "\nf.close()\n");
}

}  // namespace ptychoflow::test
