#include "core/tomo/gpu.hpp"

#include <string>

#include "core/base/error.hpp"
#include "core/comm/gpus_of_ranks.hpp"
#include "core/device/gpu_library.hpp"

namespace ptychoflow::tomo {

std::unique_ptr<SliceKernels> make_gpu_slice_kernels(const SliceGeometry& geometry, Filter filter,
                                                     const comm::Communicator& ranks) {
  std::unique_ptr<SliceKernels> kernels;
  std::string reason;
  try {
    static const auto open = reinterpret_cast<OpenSlices>(device::gpu_symbol("ptychoflow_open_slices"));
    kernels.reset(open(geometry, filter, comm::place_on_node()));
  } catch (const Error& e) {
    reason = e.what();
  }
  comm::expect_gpus_on_all(reason, ranks);
  return kernels;
}

}  // namespace ptychoflow::tomo
