// The part of NCCL that this project calls, on cards that processors play: over MPI (tests/played_card/nccl.cpp).
#pragma once

#include <cuda_runtime_api.h>

struct ncclPlayedComm;
using ncclComm_t = ncclPlayedComm*;
enum ncclResult_t { ncclSuccess = 0, ncclInvalidArgument = 4 };
enum ncclDataType_t { ncclInt64 = 4, ncclFloat32 = 7, ncclFloat64 = 8 };
enum ncclRedOp_t { ncclSum = 0 };
struct ncclUniqueId {
  char internal[128];
};

extern "C" {
ncclResult_t ncclGetUniqueId(ncclUniqueId* id);
ncclResult_t ncclCommInitRank(ncclComm_t* group, int ranks, ncclUniqueId id, int rank);
ncclResult_t ncclAllReduce(const void* from, void* to, std::size_t count, ncclDataType_t type, ncclRedOp_t op,
                           ncclComm_t group, cudaStream_t stream);
ncclResult_t ncclCommDestroy(ncclComm_t group);
const char* ncclGetErrorString(ncclResult_t status);
}
