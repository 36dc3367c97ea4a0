#include "core/ptycho/gpu.hpp"

#include "core/base/error.hpp"
#include "core/comm/gpus_of_ranks.hpp"
#include "core/device/gpu_library.hpp"

namespace ptychoflow::ptycho {

std::unique_ptr<Gpu> open_gpu(const GpuOptions& options, const comm::Communicator& ranks) {
  std::unique_ptr<Gpu> gpu;
  std::string reason;
  try {
    static const auto open = reinterpret_cast<OpenGpu>(device::gpu_symbol("ptychoflow_open_gpu"));
    gpu.reset(open(options, comm::place_on_node()));
  } catch (const Error& e) {
    reason = e.what();
  }
  comm::expect_gpus_on_all(reason, ranks);
  gpu->join(ranks);
  return gpu;
}

}  // namespace ptychoflow::ptycho
