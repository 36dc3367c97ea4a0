#include "core/device/cuda/check.hpp"

#include <fmt/format.h>

#include <string_view>

#include "core/base/error.hpp"

namespace ptychoflow::device::cuda {
namespace {

std::string& subject() {
  thread_local std::string text;
  return text;
}

std::string_view from_core(std::string_view file) {
  const auto at = file.rfind("core/");
  return at == std::string_view::npos ? file : file.substr(at);
}

[[noreturn]] void fail(std::string_view words, std::string_view call, std::string_view file, int line,
                       std::string_view advice) {
  int device = -1;
  (void)cudaGetDevice(&device);
  throw Error(ErrorCode::resource,
              fmt::format("GPU {}{}{}: {} ({} at {}:{}){}", device, subject().empty() ? "" : ", ", subject(), words,
                          call.substr(0, call.find('(')), from_core(file), line, advice));
}

const char* words_of(cufftResult status) {
  switch (status) {
    case CUFFT_ALLOC_FAILED:
      return "cuFFT could not allocate memory on the GPU";
    case CUFFT_INVALID_SIZE:
      return "cuFFT has no transform of this size";
    case CUFFT_EXEC_FAILED:
      return "cuFFT could not run a transform";
    case CUFFT_SETUP_FAILED:
      return "cuFFT could not start";
    case CUFFT_NO_WORKSPACE:
      return "cuFFT was given no work area";
    default:
      return "cuFFT failed";
  }
}

}  // namespace

void about(std::string text) { subject() = std::move(text); }

std::string why_unusable(cudaError_t status) {
  switch (status) {
    case cudaErrorNoDevice:
      return "no NVIDIA GPU is visible: check nvidia-smi and CUDA_VISIBLE_DEVICES";
    case cudaErrorInsufficientDriver: {
      int driver = 0, runtime = 0;
      (void)cudaDriverGetVersion(&driver);
      (void)cudaRuntimeGetVersion(&runtime);
      if (driver == 0) return "there is no NVIDIA driver";
      return fmt::format(
          "the NVIDIA driver knows CUDA up to {}.{}, this program was built with {}.{}: update the driver",
          driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
    }
    default:
      return fmt::format("CUDA does not start: {} ({})", cudaGetErrorString(status), cudaGetErrorName(status));
  }
}

void check(cudaError_t status, const char* call, const char* file, int line) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // so that a fault that passes is not reported again
  const bool memory = status == cudaErrorMemoryAllocation;
  const bool lost = status == cudaErrorDevicesUnavailable || status == cudaErrorECCUncorrectable;
  fail(fmt::format("{} ({})", cudaGetErrorString(status), cudaGetErrorName(status)), call, file, line,
       memory ? "; use more ranks with a GPU each, single precision, fewer modes, or --backend cpu"
       : lost ? "; look at nvidia-smi: the device may need a reset"
              : "");
}

void check(cufftResult status, const char* call, const char* file, int line) {
  if (status == CUFFT_SUCCESS) return;
  fail(fmt::format("{} (error {})", words_of(status), static_cast<int>(status)), call, file, line, "");
}

}  // namespace ptychoflow::device::cuda
