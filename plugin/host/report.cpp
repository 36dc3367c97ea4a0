#include "plugin/host/report.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <limits>

#include "core/base/error.hpp"
#include "core/io/atomic_file.hpp"

namespace ptychoflow::host {

void write_report(const std::string& file, const Json& report) {
  io::AtomicFile atomic(file, io::Overwrite::allow);
  std::ofstream stream(atomic.temporary());
  stream << report.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  stream.close();
  if (!stream) throw Error(ErrorCode::resource, file + ": the report cannot be written: is the disk full?");
  atomic.commit();
}

MemoryUse memory_use() {
  MemoryUse use;
  std::ifstream status("/proc/self/status");
  std::string label;
  while (status >> label) {
    double* const figure = label == "VmRSS:" ? &use.resident : label == "VmHWM:" ? &use.peak : nullptr;
    if (double kib = 0; figure && status >> kib) *figure = kib * 1024;
    status.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return use;
}

std::string utc_now() {
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto seconds = std::chrono::time_point_cast<std::chrono::seconds>(now);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (now - seconds).count());
}

}  // namespace ptychoflow::host
