// NCCL's calls, by MPI through the processor's memory: libnccl.so.2 for cards that processors play.
#include <mpi.h>
#include <nccl.h>

#include <string_view>
#include <vector>

struct ncclPlayedComm {
  MPI_Comm ranks;
};

namespace {

int bytes_of(ncclDataType_t type) { return type == ncclFloat32 ? 4 : 8; }

MPI_Datatype mpi_type(ncclDataType_t type) {
  return type == ncclFloat32 ? MPI_FLOAT : type == ncclFloat64 ? MPI_DOUBLE : MPI_INT64_T;
}

}  // namespace

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  *id = {"played"};
  return ncclSuccess;
}

ncclResult_t ncclCommInitRank(ncclComm_t* group, int ranks, ncclUniqueId id, int rank) {
  if (std::string_view(id.internal) != "played") return ncclInvalidArgument;
  *group = new ncclPlayedComm{};
  MPI_Comm_dup(MPI_COMM_WORLD, &(*group)->ranks);
  int size = 0, own = 0;
  MPI_Comm_size((*group)->ranks, &size);
  MPI_Comm_rank((*group)->ranks, &own);
  return size == ranks && own == rank ? ncclSuccess : ncclInvalidArgument;
}

ncclResult_t ncclAllReduce(const void* from, void* to, std::size_t count, ncclDataType_t type, ncclRedOp_t,
                           ncclComm_t group, cudaStream_t stream) {
  std::vector<char> data(count * static_cast<std::size_t>(bytes_of(type)));
  if (cudaStreamSynchronize(stream) != cudaSuccess) return ncclInvalidArgument;
  if (cudaMemcpy(data.data(), from, data.size(), cudaMemcpyDeviceToHost) != cudaSuccess) return ncclInvalidArgument;
  MPI_Allreduce(MPI_IN_PLACE, data.data(), static_cast<int>(count), mpi_type(type), MPI_SUM, group->ranks);
  if (cudaMemcpy(to, data.data(), data.size(), cudaMemcpyHostToDevice) != cudaSuccess) return ncclInvalidArgument;
  return ncclSuccess;
}

ncclResult_t ncclCommDestroy(ncclComm_t group) {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (!finalized) MPI_Comm_free(&group->ranks);
  delete group;
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t status) { return status == ncclSuccess ? "no error" : "invalid argument"; }
