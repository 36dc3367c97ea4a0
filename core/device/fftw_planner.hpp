// The lock that all who make plans of FFTW share.
#pragma once

#include <mutex>

namespace ptychoflow::device {

/// FFTW's planner is not thread-safe; its executors are.
inline std::mutex& fftw_planner() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace ptychoflow::device
