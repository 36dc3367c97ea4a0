#include "plugin/host/watch/metrics.hpp"

#include <fmt/format.h>

#include <fstream>

#include "core/base/error.hpp"
#include "core/io/atomic_file.hpp"

namespace ptychoflow::host {

std::string metrics_text(const Journal::Scans& scans, std::size_t untaken) {
  std::map<ScanState, int> count;
  double seconds = 0, rate = 0, last_start = 0;
  int attempts = 0;
  for (const auto& [name, record] : scans) {
    ++count[record.state];
    attempts += record.attempts;
    if (record.state == ScanState::done) seconds += record.seconds;
    if (record.view_modes_per_s > 0 && record.started_at > last_start) {
      rate = record.view_modes_per_s;
      last_start = record.started_at;
    }
  }
  const auto metric = [](const char* name, const char* type, const char* help) {
    return fmt::format("# HELP ptychoflow_watch_{0} {2}\n# TYPE ptychoflow_watch_{0} {1}\n", name, type, help);
  };
  std::string text = metric("scans", "gauge", "Scans of the watched folder by what has become of them.");
  const auto state = [&](const char* name, std::size_t n) {
    text += fmt::format("ptychoflow_watch_scans{{state=\"{}\"}} {}\n", name, n);
  };
  state("done", static_cast<std::size_t>(count[ScanState::done]));
  state("failed", static_cast<std::size_t>(count[ScanState::failed]));
  state("running", static_cast<std::size_t>(count[ScanState::running]));
  state("waiting", untaken);
  text += metric("attempts_total", "counter", "Runs that were started.");
  text += fmt::format("ptychoflow_watch_attempts_total {}\n", attempts);
  text += metric("seconds_total", "counter", "Seconds that scans took which are done.");
  text += fmt::format("ptychoflow_watch_seconds_total {:.3f}\n", seconds);
  text += metric("view_modes_per_second", "gauge", "Views times modes that the last reconstruction took a second.");
  text += fmt::format("ptychoflow_watch_view_modes_per_second {:.1f}\n", rate);
  return text;
}

double view_modes_per_s(const nlohmann::json& report) {
  const nlohmann::json stages = report.value("stages", nlohmann::json::object());
  for (const auto& [id, figures] : stages.items()) {
    const double us = figures.is_object() ? figures.value("us_per_view_mode", 0.0) : 0;
    if (us > 0) return 1e6 / us;
  }
  return 0;
}

void write_whole(const std::filesystem::path& file, const std::string& text) {
  io::AtomicFile atomic(file, io::Overwrite::allow);
  std::ofstream stream(atomic.temporary());
  stream << text;
  stream.close();
  if (!stream) throw Error(ErrorCode::resource, file.string() + ": cannot be written: is the disk full?");
  atomic.commit();
}

}  // namespace ptychoflow::host
