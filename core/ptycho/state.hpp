// What an iteration changes.
#pragma once

#include "core/base/complex.hpp"
#include "core/device/array.hpp"

namespace ptychoflow::ptycho {

/// The iterate of the Difference Map, on one rank. Probe and object are the same on every rank; exit waves are its own.
template <class T>
struct State {
  device::Array<Complex<T>, 3> probe;   ///< P: [probe mode k][y][x]
  device::Array<Complex<T>, 3> object;  ///< O: [object mode l][y][x]
  device::Array<T, 3> exit_waves;       ///< ψ: [local view j][mode pair k·M_O + l][as the kernels lay it out]

  Index probe_modes() const { return probe.extent(0); }
  Index object_modes() const { return object.extent(0); }
  Index mode_pairs() const { return probe_modes() * object_modes(); }
};

}  // namespace ptychoflow::ptycho
