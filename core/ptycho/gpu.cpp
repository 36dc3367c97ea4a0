#include "core/ptycho/gpu.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/version.hpp"

namespace ptychoflow::ptycho {
namespace {

std::filesystem::path gpu_library() {
  Dl_info here;
  expect(dladdr(reinterpret_cast<const void*>(&gpu_code_installed), &here) != 0, "where this library lies");
  return std::filesystem::path(here.dli_fname).parent_path() / "libptychoflow-cuda.so";
}

/// Opened once and never closed: its kernels belong to the process.
OpenGpu load_gpu_library() {
  const std::string path = gpu_library().string();
  if (!gpu_code_installed()) {
    throw Error(ErrorCode::resource, "this installation has no GPU code (" + path +
                                         " is missing): build it where nvcc is found, or run with --backend cpu");
  }
  if (!dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {  // before cuFFT's hundreds of megabytes are mapped
    throw Error(ErrorCode::resource, "no GPU can be used: there is no NVIDIA driver; --backend cpu needs none");
  }
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    throw Error(ErrorCode::resource,
                fmt::format("the GPU code cannot be loaded: {}; are the CUDA libraries of its version on "
                            "LD_LIBRARY_PATH?",
                            dlerror()));
  }
  const auto* its_version = static_cast<const char* const*>(dlsym(library, "ptychoflow_gpu_version"));
  void* open = dlsym(library, "ptychoflow_open_gpu");
  if (!its_version || !open || std::string_view(*its_version) != version) {
    throw Error(ErrorCode::resource, fmt::format("{} is of version {}, this program of {}: install both from one build",
                                                 path, its_version ? *its_version : "unknown", version));
  }
  return reinterpret_cast<OpenGpu>(open);
}

}  // namespace

bool gpu_code_installed() { return std::filesystem::exists(gpu_library()); }

std::unique_ptr<Gpu> open_gpu(const GpuOptions& options, const comm::Communicator& ranks) {
  std::unique_ptr<Gpu> gpu;
  std::string reason;
  try {
    static const OpenGpu open = load_gpu_library();
    gpu.reset(open(options, comm::place_on_node()));
  } catch (const Error& e) {
    reason = e.what();
  }
  const auto answers = ranks.gather(std::vector<double>{gpu ? 1.0 : 0.0});
  for (std::size_t rank = 0; rank < answers.size(); ++rank) {
    if (answers[rank] != 0) continue;
    throw Error(ErrorCode::resource,
                !reason.empty() ? reason : fmt::format("rank {} has no GPU, so this one does not use its own", rank));
  }
  gpu->join(ranks);
  return gpu;
}

}  // namespace ptychoflow::ptycho
