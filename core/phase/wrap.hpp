// Phases that are known up to multiples of 2π, and steps between them.
#pragma once

#include "core/base/units.hpp"
#include "core/device/array.hpp"

namespace ptychoflow::phase {

/// Phases or weights [y][x].
using Map = device::Array<float, 2>;
using MapView = View<const float, 2>;

inline constexpr double turn_rad = 2 * pi;

/// How many turns the difference of two wrapped phases (each in [−π, π]) must be given to lie in [−π, π]: −1, 0 or 1.
template <class T>
constexpr int turns(T difference_rad) {
  return difference_rad > static_cast<T>(pi) ? -1 : difference_rad < static_cast<T>(-pi) ? 1 : 0;
}

/// The difference of two wrapped phases, each in [−π, π], by the shortest way: in [−π, π].
template <class T>
constexpr T shortest(T difference_rad) {
  const T back = difference_rad > static_cast<T>(pi) ? static_cast<T>(-turn_rad) : T(0);
  const T on = difference_rad < static_cast<T>(-pi) ? static_cast<T>(turn_rad) : T(0);
  return difference_rad + back + on;
}

}  // namespace ptychoflow::phase
