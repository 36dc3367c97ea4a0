#include "core/device/gpu_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/version.hpp"

namespace ptychoflow::device {
namespace {

std::filesystem::path gpu_library() {
  Dl_info here;
  expect(dladdr(reinterpret_cast<const void*>(&gpu_code_installed), &here) != 0, "where this library lies");
  return std::filesystem::path(here.dli_fname).parent_path() / "libptychoflow-cuda.so";
}

/// Opened once and never closed: its kernels belong to the process.
void* open_gpu_library() {
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
  if (!its_version || std::string_view(*its_version) != version) {
    throw Error(ErrorCode::resource, fmt::format("{} is of version {}, this program of {}: install both from one build",
                                                 path, its_version ? *its_version : "unknown", version));
  }
  return library;
}

}  // namespace

bool gpu_code_installed() { return std::filesystem::exists(gpu_library()); }

void* gpu_symbol(const char* name) {
  static void* const library = open_gpu_library();
  void* address = dlsym(library, name);
  if (!address) {
    throw Error(ErrorCode::resource,
                fmt::format("{} has no {}: install it and this program from one build", gpu_library().string(), name));
  }
  return address;
}

}  // namespace ptychoflow::device
