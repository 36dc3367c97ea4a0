// Slices on a graphics card. The code that drives it is in libptychoflow-cuda.so (core/device/gpu_library.hpp).
#pragma once

#include <memory>

#include "core/comm/communicator.hpp"
#include "core/comm/node_place.hpp"
#include "core/tomo/slice_kernels.hpp"

namespace ptychoflow::tomo {

/// On this rank's card, with as many slices at a time as its memory takes. Collective: all ranks get theirs or all fail
/// alike.
/// @throws Error (resource) if a rank has no card, or its memory does not take a group of slices: with what to do
std::unique_ptr<SliceKernels> make_gpu_slice_kernels(const SliceGeometry& geometry, Filter filter,
                                                     const comm::Communicator& ranks);

/// What libptychoflow-cuda.so exports, as `ptychoflow_open_slices`.
using OpenSlices = SliceKernels* (*)(const SliceGeometry&, Filter, const comm::NodePlace&);

}  // namespace ptychoflow::tomo
