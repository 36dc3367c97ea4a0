// A graphics card that computes. The code that drives it is in libptychoflow-cuda.so (core/device/gpu_library.hpp).
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "core/comm/communicator.hpp"
#include "core/comm/node_place.hpp"
#include "core/device/memory.hpp"
#include "core/ptycho/batch_plan.hpp"
#include "core/ptycho/kernels.hpp"

namespace ptychoflow::ptycho {

/// How the numerator of the object is summed in the sweep over exit waves.
enum class ObjectSum {
  atomic,  ///< on the way, by atomic adds: in any order
  gather,  ///< by object pixels, afterwards: always in the same order, for one more read of ψ
};

/// How numerators are summed over ranks.
enum class Reduction {
  automatic,  ///< the first of nccl, mpi and host that works
  host,       ///< through the processor's memory, by any MPI
  mpi,        ///< by an MPI that takes device memory
  nccl,       ///< from card to card; one rank a card
};

struct GpuOptions {
  int device = -1;  ///< as CUDA numbers those it sees; -1: one after the other by the rank's place on its machine
  ObjectSum object_sum = ObjectSum::atomic;
  Reduction reduction = Reduction::automatic;
  Index batch_views = 0;                                                   ///< views in a batch; 0: by plan_batches
  std::uint64_t device_bytes = std::numeric_limits<std::uint64_t>::max();  ///< of the card's memory that may be used
  std::uint64_t host_bytes = 0;  ///< of the processor's, for what does not fit on the card
  bool live = false;             ///< views join while it goes on
  bool next_follows = false;     ///< another scan, whose magnitudes may come before its turn
};

/// One rank's card.
class Gpu {
 public:
  virtual ~Gpu() = default;

  /// "NVIDIA H200 (device 0, 139.1 GiB free), sums over ranks by nccl".
  virtual std::string description() const = 0;

  /// As the card was when it was opened; memory that ranks on the same card share is divided among them.
  virtual DeviceFacts facts() const = 0;

  /// The card's, for as long as the program runs.
  virtual device::Memory* memory() = 0;

  /// The processor's, from which and to which copies go by themselves.
  virtual device::Memory* far_memory() = 0;

  /// Makes the card this thread's, too, before anything is done there with its memory.
  virtual void use_on_this_thread() = 0;

  /// Bytes read and written a second by copies within the card, measured now: what its memory can do.
  virtual double copy_rate() = 0;

  /// Bytes a second from `far_memory` to the card, measured now.
  virtual double far_copy_rate() = 0;

  /// Makes ready for sums over these ranks. Collective.
  /// @throws Error (resource) if the reduction that was asked for does not work here
  virtual void join(const comm::Communicator& ranks) = 0;

  virtual std::unique_ptr<Kernels<float>> single_kernels(Yx<Index> frame) = 0;
  virtual std::unique_ptr<Kernels<double>> double_kernels(Yx<Index> frame) = 0;
};

/// Collective over `ranks`: all get a card or all fail alike.
/// @throws Error (resource) if a rank finds none: with the reason, and what to do
std::unique_ptr<Gpu> open_gpu(const GpuOptions& options, const comm::Communicator& ranks);

/// What libptychoflow-cuda.so exports, as `ptychoflow_open_gpu`; its `ptychoflow_gpu_version` must be this program's.
using OpenGpu = Gpu* (*)(const GpuOptions&, const comm::NodePlace&);

}  // namespace ptychoflow::ptycho
