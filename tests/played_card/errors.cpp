#include "tests/played_card/errors.hpp"

#include <map>
#include <stdexcept>

namespace {

const std::map<cudaError_t, std::pair<const char*, const char*>>& errors() {
#define ENTRY(name, words) \
  {                        \
    name, { #name, words } \
  }
  static const std::map<cudaError_t, std::pair<const char*, const char*>> list = {
      ENTRY(cudaSuccess, "no error"),
      ENTRY(cudaErrorInvalidValue, "invalid argument"),
      ENTRY(cudaErrorMemoryAllocation, "out of memory"),
      ENTRY(cudaErrorInsufficientDriver, "driver too old"),
      ENTRY(cudaErrorDevicesUnavailable, "device busy or unavailable"),
      ENTRY(cudaErrorNoDevice, "no device"),
      ENTRY(cudaErrorInvalidDevice, "invalid device"),
      ENTRY(cudaErrorECCUncorrectable, "uncorrectable memory error"),
      ENTRY(cudaErrorIllegalAddress, "illegal memory access"),
      ENTRY(cudaErrorLaunchFailure, "a kernel failed"),
      ENTRY(cudaErrorStreamCaptureUnsupported, "not allowed while a stream is captured"),
      ENTRY(cudaErrorStreamCaptureInvalidated, "the capture was spoilt"),
      ENTRY(cudaErrorStreamCaptureUnmatched, "no capture began on this stream"),
      ENTRY(cudaErrorStreamCaptureUnjoined, "captured streams were not joined"),
      ENTRY(cudaErrorStreamCaptureIsolation, "a captured stream waits for work outside"),
      ENTRY(cudaErrorStreamCaptureImplicit, "the default stream would wait for a captured one"),
      ENTRY(cudaErrorUnknown, "unknown error"),
  };
#undef ENTRY
  return list;
}

}  // namespace

const char* cudaGetErrorName(cudaError_t status) { return errors().at(status).first; }
const char* cudaGetErrorString(cudaError_t status) { return errors().at(status).second; }

namespace played_card {

cudaError_t error_named(const std::string& name) {
  for (const auto& [status, texts] : errors()) {
    if (name == texts.first) return status;
  }
  throw std::out_of_range("played card: no error is called " + name);
}

}  // namespace played_card
