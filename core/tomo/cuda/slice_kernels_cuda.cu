// Slice kernels on a CUDA device.

#include "core/device/cuda/choose_device.hpp"
#include "core/device/cuda/queue.cuh"
#include "core/tomo/gpu.hpp"
#include "core/tomo/slice_kernels_batched.hpp"
#include "core/tomo/slice_plan.hpp"

namespace ptychoflow::tomo::cuda {
namespace {

SliceKernels* open_slices(const SliceGeometry& geometry, Filter filter, const comm::NodePlace& place) {
  using device::cuda::Queue;
  const device::cuda::Choice choice = device::cuda::choose_device(-1, place.rank, place.size);
  const Index slices = slices_that_fit(geometry, filter, device::cuda::take_device(choice));
  return new BatchedSliceKernels<Queue>(Queue(choice.device), geometry, filter, slices);
}

}  // namespace
}  // namespace ptychoflow::tomo::cuda

extern "C" __attribute__((visibility("default"))) ptychoflow::tomo::SliceKernels* ptychoflow_open_slices(
    const ptychoflow::tomo::SliceGeometry& geometry, ptychoflow::tomo::Filter filter,
    const ptychoflow::comm::NodePlace& place) {
  return ptychoflow::tomo::cuda::open_slices(geometry, filter, place);
}
