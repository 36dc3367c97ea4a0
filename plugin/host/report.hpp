// The run report: one JSON file that says what was done, how fast, and how it ended.
#pragma once

#include <string>

#include "plugin/host/pipeline.hpp"

namespace ptychoflow::host {

/// Writes the report whole or not at all; an older one gives way. Whether it could be written is known beforehand by
/// io::check_target.
/// @throws Error as io::AtomicFile does, and (resource) if the disk does not take it
void write_report(const std::string& file, const Json& report);

/// This process's memory in bytes: now, and at its peak; 0 if the system does not tell.
struct MemoryUse {
  double resident = 0;
  double peak = 0;
};
MemoryUse memory_use();

/// ISO 8601, UTC, to the millisecond.
std::string utc_now();

}  // namespace ptychoflow::host
