#include "plugin/host/last_acts.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

#include "core/base/error.hpp"
#include "core/io/atomic_file.hpp"
#include "plugin/host/report.hpp"
#include "plugin/host/signals.hpp"

namespace ptychoflow::host {
namespace {

// mpirun kills all soon after the first process has ended, so the report comes first; but its disk may be the fault,
// and who says nothing for as long as patience lasts is taken for lost.
std::chrono::duration<double> patience_with_report(double patience_s) {
  return std::chrono::duration<double>(patience_s > 0 ? std::min(2.0, patience_s / 2) : 2.0);
}

void write_in_time(const std::string& file, const Json& report, std::chrono::duration<double> patience) {
  std::packaged_task<void()> writing([file, report] { write_report(file, report); });
  std::future<void> written = writing.get_future();
  std::thread(std::move(writing)).detach();  // the process ends soon, and with it all that is left undone
  written.wait_for(patience);                // what fails is not told: the user knows the worse fault
}

}  // namespace

comm::LastActs last_acts(const Command& command, Json report) {
  const int exit_code = static_cast<int>(ErrorCode::resource);
  const auto tell = [=, file = command.report,
                     patience = patience_with_report(command.patience_s)](const comm::Fault& fault) mutable {
    const std::string line = "[error] " + fault.message + "\n";
    // Not by way of Screen: the main thread may hold its lock.
    static_cast<void>(!write(STDERR_FILENO, line.data(), line.size()));
    if (file.empty()) return;
    report["status"] = "failed";
    report["error"] = {{"message", fault.message}, {"stage", nullptr}, {"rank", fault.rank}, {"code", exit_code}};
    report["end_time"] = utc_now();
    write_in_time(file, report, patience);
  };
  return {.exit_code = exit_code, .tell = tell, .expected = terminating, .tidy = io::remove_unfinished};
}

}  // namespace ptychoflow::host
