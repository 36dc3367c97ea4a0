// The part of cuFFT that this project calls, on a card that the processor plays.
#pragma once

#include <cuda_runtime_api.h>

enum cufftResult {
  CUFFT_SUCCESS = 0,
  CUFFT_INVALID_PLAN = 1,
  CUFFT_ALLOC_FAILED = 2,
  CUFFT_INTERNAL_ERROR = 5,
  CUFFT_EXEC_FAILED = 6,
  CUFFT_SETUP_FAILED = 7,
  CUFFT_INVALID_SIZE = 8,
  CUFFT_NO_WORKSPACE = 14
};
enum cufftType { CUFFT_C2C = 0x29, CUFFT_Z2Z = 0x69 };
inline constexpr int CUFFT_FORWARD = -1, CUFFT_INVERSE = 1;

using cufftHandle = int;
struct cufftComplex {
  float x, y;
};
struct cufftDoubleComplex {
  double x, y;
};

cufftResult cufftCreate(cufftHandle* handle);
cufftResult cufftDestroy(cufftHandle handle);
cufftResult cufftSetAutoAllocation(cufftHandle handle, int automatic);
cufftResult cufftMakePlanMany64(cufftHandle handle, int rank, long long* size, long long* inembed, long long istride,
                                long long idist, long long* onembed, long long ostride, long long odist, cufftType type,
                                long long batch, std::size_t* work_bytes);
cufftResult cufftSetStream(cufftHandle handle, cudaStream_t stream);
cufftResult cufftSetWorkArea(cufftHandle handle, void* work);
cufftResult cufftExecC2C(cufftHandle handle, cufftComplex* in, cufftComplex* out, int direction);
cufftResult cufftExecZ2Z(cufftHandle handle, cufftDoubleComplex* in, cufftDoubleComplex* out, int direction);
