#include "core/ptycho/strips.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/ptycho/operators.hpp"

namespace ptychoflow::ptycho::strips {
namespace {

using device::strip_lanes;
using device::strip_row;

#define PTYCHOFLOW_LOOPS "core/ptycho/strips_loops.hpp"
#include "core/device/simd_loops.hpp"

}  // namespace

template <class T>
Loops<T> loops(device::Simd simd) {
  return device::choose(simd, portable::loops<T>, avx2::loops<T>, avx512::loops<T>);
}

template Loops<float> loops(device::Simd);
template Loops<double> loops(device::Simd);

}  // namespace ptychoflow::ptycho::strips
