#include "plugin/host/last_acts.hpp"

#include <unistd.h>

#include <memory>

#include "core/base/error.hpp"
#include "core/io/atomic_file.hpp"
#include "plugin/host/report.hpp"
#include "plugin/host/signals.hpp"

namespace ptychoflow::host {

comm::LastActs last_acts(const Command& command, Json report) {
  const auto told = std::make_shared<Json>();
  const int exit_code = static_cast<int>(ErrorCode::resource);
  return {.exit_code = exit_code,
          .tell =
              [=](const comm::Fault& fault) {
                const std::string line = "[error] " + fault.message + "\n";
                // Not by way of Screen: the main thread may hold its lock.
                static_cast<void>(!write(STDERR_FILENO, line.data(), line.size()));
                *told = {{"message", fault.message}, {"stage", nullptr}, {"rank", fault.rank}, {"code", exit_code}};
              },
          .expected = terminating,
          .tidy =
              [=, file = command.report]() mutable {
                io::remove_unfinished();
                if (told->is_null() || file.empty()) return;
                report["status"] = "failed";
                report["error"] = *told;
                report["end_time"] = utc_now();
                try {
                  write_report(file, report);
                } catch (const Error&) {  // of the two faults the user has been told the worse
                }
              }};
}

}  // namespace ptychoflow::host
