// cuFFT's calls, by the transforms of this project.
#include <cufft.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

#include "core/device/array.hpp"
#include "core/device/fft.hpp"
#include "tests/played_card/card.hpp"

namespace {

using played_card::Card;
using ptychoflow::Complex;
using ptychoflow::Index;

struct Plan {
  Index ny = 0, nx = 0, batch = 0;
  cufftType type{};
  std::size_t work_bytes = 0;
  void* work = nullptr;
  cudaStream_t stream = nullptr;
};

std::map<cufftHandle, Plan>& plans() {
  static std::map<cufftHandle, Plan> list;
  return list;
}

/// A plan's own work area is another's rubbish afterwards.
template <class T, class Element>
cufftResult run(cufftHandle handle, Element* in, const Element* out, int direction, cufftType type) {
  const auto found = plans().find(handle);
  if (found == plans().end() || found->second.type != type || in != out) return CUFFT_INVALID_PLAN;
  const Plan plan = found->second;
  if (!plan.work) return CUFFT_NO_WORKSPACE;
  const auto status = Card::instance().call("cufftExec", [&] {
    return played_card::give(plan.stream, [=] {
      const ptychoflow::device::Fft2d<T> fft(plan.ny, plan.nx);
      ptychoflow::device::Array<Complex<T>, 2> aligned({plan.ny, plan.nx});
      for (Index i = 0; i < plan.batch; ++i) {
        auto* wave = reinterpret_cast<Complex<T>*>(in) + i * aligned.size();
        std::copy_n(wave, aligned.size(), aligned.data());
        direction == CUFFT_FORWARD ? fft.forward(aligned.data()) : fft.inverse(aligned.data());
        std::copy_n(aligned.data(), aligned.size(), wave);
      }
      std::memset(plan.work, 0xFF, plan.work_bytes);
    });
  });
  return status == cudaSuccess ? CUFFT_SUCCESS : CUFFT_EXEC_FAILED;
}

}  // namespace

cufftResult cufftCreate(cufftHandle* handle) {
  static int made = 0;
  plans()[*handle = ++made];
  return CUFFT_SUCCESS;
}

cufftResult cufftDestroy(cufftHandle handle) { return plans().erase(handle) > 0 ? CUFFT_SUCCESS : CUFFT_INVALID_PLAN; }

cufftResult cufftSetAutoAllocation(cufftHandle, int automatic) {
  return automatic == 0 ? CUFFT_SUCCESS : CUFFT_INTERNAL_ERROR;
}

cufftResult cufftMakePlanMany64(cufftHandle handle, int rank, long long* size, long long*, long long, long long,
                                long long*, long long, long long, cufftType type, long long batch,
                                std::size_t* work_bytes) {
  if (Card::instance().capture()) return CUFFT_INTERNAL_ERROR;  // it allocates
  if (rank != 2 || batch < 1) return CUFFT_INVALID_SIZE;
  const auto bytes = static_cast<std::size_t>(size[0] * size[1] * batch) * (type == CUFFT_C2C ? 8 : 16);
  plans().at(handle) = {size[0], size[1], batch, type, bytes, nullptr, nullptr};
  *work_bytes = bytes;
  return CUFFT_SUCCESS;
}

cufftResult cufftSetStream(cufftHandle handle, cudaStream_t stream) {
  plans().at(handle).stream = stream;
  return CUFFT_SUCCESS;
}

cufftResult cufftSetWorkArea(cufftHandle handle, void* work) {
  plans().at(handle).work = work;
  return CUFFT_SUCCESS;
}

cufftResult cufftExecC2C(cufftHandle handle, cufftComplex* in, cufftComplex* out, int direction) {
  return run<float>(handle, in, out, direction, CUFFT_C2C);
}

cufftResult cufftExecZ2Z(cufftHandle handle, cufftDoubleComplex* in, cufftDoubleComplex* out, int direction) {
  return run<double>(handle, in, out, direction, CUFFT_Z2Z);
}
