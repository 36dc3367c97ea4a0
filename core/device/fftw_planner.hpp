// The one lock that all of this program's plans of FFTW are made and destroyed under.
#pragma once

#include <mutex>

namespace ptychoflow::device {

/// FFTW's planner is not thread-safe, whatever it plans; its executors are.
std::mutex& fftw_planner();

}  // namespace ptychoflow::device
