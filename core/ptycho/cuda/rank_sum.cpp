#include "core/ptycho/cuda/rank_sum.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/error.hpp"
#include "core/device/cuda/check.hpp"

#if __has_include(<nccl.h>)
#include <nccl.h>
#define PTYCHOFLOW_HAS_NCCL 1
#endif

namespace ptychoflow::ptycho::cuda {
namespace {

/// Through pinned memory of the processor, by any MPI.
class HostSum final : public RankSum {
 public:
  explicit HostSum(comm::Communicator ranks) : ranks_(std::move(ranks)) {}
  ~HostSum() override { (void)cudaFreeHost(pinned_); }
  HostSum(const HostSum&) = delete;
  HostSum& operator=(const HostSum&) = delete;

  const char* name() const override { return "host"; }
  void sum(float* data, Index count, cudaStream_t stream) override { run(data, count, stream); }
  void sum(double* data, Index count, cudaStream_t stream) override { run(data, count, stream); }
  void sum(std::int64_t* data, Index count, cudaStream_t stream) override { run(data, count, stream); }

 private:
  template <class T>
  void run(T* data, Index count, cudaStream_t stream) {
    const std::size_t bytes = sizeof(T) * static_cast<std::size_t>(count);
    if (bytes > size_) {
      PTYCHOFLOW_CUDA(cudaFreeHost(std::exchange(pinned_, nullptr)));
      size_ = 0;
      PTYCHOFLOW_CUDA(cudaMallocHost(&pinned_, bytes));
      size_ = bytes;
    }
    PTYCHOFLOW_CUDA(cudaMemcpyAsync(pinned_, data, bytes, cudaMemcpyDeviceToHost, stream));
    PTYCHOFLOW_CUDA(cudaStreamSynchronize(stream));
    ranks_.sum(static_cast<T*>(pinned_), count);
    PTYCHOFLOW_CUDA(cudaMemcpyAsync(data, pinned_, bytes, cudaMemcpyHostToDevice, stream));
    PTYCHOFLOW_CUDA(cudaStreamSynchronize(stream));  // the buffer is free again
  }

  comm::Communicator ranks_;
  void* pinned_ = nullptr;
  std::size_t size_ = 0;
};

/// By an MPI that reads and writes device memory itself.
class MpiSum final : public RankSum {
 public:
  explicit MpiSum(comm::Communicator ranks) : ranks_(std::move(ranks)) {}

  const char* name() const override { return "mpi"; }
  void sum(float* data, Index count, cudaStream_t stream) override { run(data, count, stream); }
  void sum(double* data, Index count, cudaStream_t stream) override { run(data, count, stream); }
  void sum(std::int64_t* data, Index count, cudaStream_t stream) override { run(data, count, stream); }

 private:
  template <class T>
  void run(T* data, Index count, cudaStream_t stream) {
    PTYCHOFLOW_CUDA(cudaStreamSynchronize(stream));
    ranks_.sum(data, count);
  }

  comm::Communicator ranks_;
};

#ifdef PTYCHOFLOW_HAS_NCCL
/// From card to card. The library is opened when it is needed: it is not on every machine.
class NcclSum final : public RankSum {
 public:
  /// Null if the library is not there, on any rank.
  static std::unique_ptr<RankSum> make(const comm::Communicator& ranks) {
    std::unique_ptr<NcclSum> sum(new NcclSum);
    const double ready = sum->load() ? 1 : 0;
    double all = ready;
    ranks.sum(&all, 1);
    if (all < ranks.size()) return nullptr;
    ncclUniqueId id{};
    if (ranks.is_root()) sum->expect_ok(sum->get_unique_id_(&id), "ncclGetUniqueId");
    std::string text(id.internal, sizeof id.internal);
    ranks.broadcast(text);
    std::memcpy(id.internal, text.data(), sizeof id.internal);
    sum->expect_ok(sum->init_rank_(&sum->group_, ranks.size(), id, ranks.rank()), "ncclCommInitRank");
    return sum;
  }

  ~NcclSum() override {
    if (group_) (void)destroy_(group_);
  }
  NcclSum(const NcclSum&) = delete;
  NcclSum& operator=(const NcclSum&) = delete;

  const char* name() const override { return "nccl"; }
  void sum(float* data, Index count, cudaStream_t stream) override { run(data, count, ncclFloat32, stream); }
  void sum(double* data, Index count, cudaStream_t stream) override { run(data, count, ncclFloat64, stream); }
  void sum(std::int64_t* data, Index count, cudaStream_t stream) override { run(data, count, ncclInt64, stream); }

 private:
  NcclSum() = default;

  bool load() {
    void* library = dlopen("libnccl.so.2", RTLD_NOW | RTLD_LOCAL);  // never closed: it keeps threads
    return library && find(library, "ncclGetUniqueId", get_unique_id_) &&
           find(library, "ncclCommInitRank", init_rank_) && find(library, "ncclAllReduce", all_reduce_) &&
           find(library, "ncclCommDestroy", destroy_) && find(library, "ncclGetErrorString", error_string_);
  }

  template <class Function>
  static bool find(void* library, const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(dlsym(library, name));
    return function != nullptr;
  }

  void expect_ok(ncclResult_t status, const char* call) const {
    if (status == ncclSuccess) return;
    throw Error(ErrorCode::resource,
                std::string(call) + " failed: " + error_string_(status) + "; reduction: host needs no NCCL");
  }

  void run(void* data, Index count, ncclDataType_t type, cudaStream_t stream) {
    expect_ok(all_reduce_(data, data, static_cast<std::size_t>(count), type, ncclSum, group_, stream), "ncclAllReduce");
  }

  decltype(ncclGetUniqueId)* get_unique_id_ = nullptr;
  decltype(ncclCommInitRank)* init_rank_ = nullptr;
  decltype(ncclAllReduce)* all_reduce_ = nullptr;
  decltype(ncclCommDestroy)* destroy_ = nullptr;
  decltype(ncclGetErrorString)* error_string_ = nullptr;
  ncclComm_t group_ = nullptr;
};
#endif

std::unique_ptr<RankSum> try_nccl(const comm::Communicator& ranks, bool own_device) {
  double own = own_device ? 1 : 0;
  ranks.sum(&own, 1);
  if (own < ranks.size()) return nullptr;
#ifdef PTYCHOFLOW_HAS_NCCL
  return NcclSum::make(ranks);
#else
  return nullptr;
#endif
}

}  // namespace

std::unique_ptr<RankSum> make_rank_sum(Reduction asked, const comm::Communicator& ranks, bool own_device) {
  if (ranks.size() == 1) return nullptr;
  if (asked == Reduction::nccl || asked == Reduction::automatic) {
    if (auto sum = try_nccl(ranks, own_device)) return sum;
    if (asked == Reduction::nccl) {
      throw Error(ErrorCode::resource,
                  "reduction: nccl needs libnccl.so.2 and a GPU for each rank: use reduction: auto or host");
    }
  }
  if (asked == Reduction::mpi || asked == Reduction::automatic) {
    if (ranks.takes_gpu_memory()) return std::make_unique<MpiSum>(ranks);
    if (asked == Reduction::mpi) {
      throw Error(ErrorCode::resource,
                  "reduction: mpi needs an MPI built for CUDA, which this one is not: use reduction: auto or host");
    }
  }
  return std::make_unique<HostSum>(ranks);
}

}  // namespace ptychoflow::ptycho::cuda
