// A plain Difference Map in double precision, written from Dong et al. 2018 alone: the judge of the real one, which it
// shares no code with. Loops are naive on purpose.
#pragma once

#include <complex>
#include <optional>
#include <vector>

namespace reference {

using Complex = std::complex<double>;
using Wave = std::vector<Complex>;  // [y][x]

struct Scan {
  int ny, nx;                               // frame
  int object_ny, object_nx;                 // object array
  std::vector<int> y0, x0;                  // first object pixel of view j
  std::vector<std::vector<double>> counts;  // I_j: [j][y][x], zero frequency in the corner
  std::vector<bool> measured;               // [y][x]; false: masked
};

struct Options {
  double beta = 0.8;
  bool probe_first = false;
  int probe_start = 3, object_start = 1;           // first iteration, from 1, of each update
  std::optional<double> bound;                     // of the mean squared deviation; none: eq. (4) as printed
  double object_floor = 1e-4, probe_floor = 1e-6;  // of the denominators, relative to their maximum
};

struct Iterate {
  std::vector<Wave> probe;                          // P^(k)
  std::vector<Wave> object;                         // O^(l)
  std::vector<std::vector<Wave>> psi;               // [j][k·M_O + l]
  std::vector<double> probe_change, object_change;  // ε of eq. (7); of the object where it is lit
  double exit_wave_change = 0;
};

/// Eq. (2).
void start(const Scan& scan, Iterate& s);

/// Eq. (3)–(7), once. `iteration` counts from 1.
void iterate(const Scan& scan, const Options& options, int iteration, Iterate& s);

}  // namespace reference
