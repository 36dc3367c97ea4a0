#include "plugin/host/watch/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "core/base/error.hpp"
#include "plugin/host/report.hpp"

namespace ptychoflow::host {
namespace {

using Json = nlohmann::json;

void follow(const Json& event, Journal::Scans& scans) {
  const std::string what = event.at("event"), scan = event.at("scan");
  if (what == "again") {
    scans.erase(scan);
    return;
  }
  if (what == "taken") {
    ScanRecord& record = scans[scan];
    record.state = ScanState::running;
    record.attempts += 1;
    record.file = {event.at("size"), event.at("modified_ns")};
    record.process = {};
    record.started_at = event.at("at");
    return;
  }
  ScanRecord& record = scans.at(scan);
  if (what == "started") {
    record.process = {event.at("pid"), event.at("process_started")};
    return;
  }
  record.seconds = event.at("seconds");
  if (what == "done") {
    record.state = ScanState::done;
    record.view_modes_per_s = event.at("view_modes_per_s");
    record.message.clear();
  } else if (what == "will_retry") {
    record.state = ScanState::waiting;
    record.retry_at = event.at("retry_at");
    record.message = event.at("message");
  } else if (what == "gave_up") {
    record.state = ScanState::failed;
    record.message = event.at("message");
  } else {
    throw Error(ErrorCode::data, "unknown event " + what);
  }
}

/// @param whole  where the last whole line ends
Journal::Scans replayed(const std::filesystem::path& path, std::size_t* whole) {
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  Journal::Scans scans;
  std::size_t at = 0;
  for (int line = 1;; ++line) {
    const std::size_t end = text.find('\n', at);
    if (end == std::string::npos) break;
    try {
      follow(Json::parse(text.substr(at, end - at)), scans);
    } catch (const std::exception& e) {
      throw Error(ErrorCode::data,
                  fmt::format("{}:{}: this is no line of a watch's journal: {}; correct it, or move the "
                              "file away to begin anew",
                              path.string(), line, e.what()));
    }
    at = end + 1;
  }
  if (whole) *whole = at;
  return scans;
}

[[noreturn]] void refuse(const std::filesystem::path& path, const char* what) {
  throw Error(ErrorCode::resource, fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
}

std::string first_line(const char* file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

}  // namespace

ProcessMark ProcessMark::of(int pid) {
  const std::string status = first_line(fmt::format("/proc/{}/stat", pid).c_str());
  const std::size_t name_end = status.rfind(')');  // the name may hold anything
  if (name_end == std::string::npos) return {};
  std::size_t at = name_end;
  for (int field = 2; field < 22; ++field) at = status.find(' ', at + 1);
  if (at == std::string::npos || status[name_end + 2] == 'Z') return {};
  const std::string ticks = status.substr(at + 1, status.find(' ', at + 1) - at - 1);
  return {pid, first_line("/proc/sys/kernel/random/boot_id") + ' ' + ticks};
}

Journal::Journal(std::filesystem::path file) : path_(std::move(file)) {
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file_ < 0) refuse(path_, "cannot be opened");
  try {
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      throw Error(
          ErrorCode::resource,
          path_.string() + ": another watch is at work with this state: end it, or give --state another folder");
    }
    std::size_t whole = 0;
    scans_ = replayed(path_, &whole);
    if (::ftruncate(file_, static_cast<off_t>(whole)) != 0) refuse(path_, "cannot be written");
  } catch (...) {
    ::close(file_);
    throw;
  }
}

Journal::~Journal() { ::close(file_); }

Journal::Scans Journal::read(const std::filesystem::path& file) { return replayed(file, nullptr); }

void Journal::add(const Json& event) {
  Json timed = event;
  timed["time"] = utc_now();
  const std::string line = timed.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
  const ssize_t written = ::write(file_, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size()) || ::fdatasync(file_) != 0) refuse(path_, "cannot be written");
  follow(event, scans_);
}

void Journal::taken(const std::string& scan, const FileStamp& file, double now) {
  add({{"event", "taken"}, {"scan", scan}, {"size", file.size}, {"modified_ns", file.modified_ns}, {"at", now}});
}

void Journal::started(const std::string& scan, const ProcessMark& process) {
  add({{"event", "started"}, {"scan", scan}, {"pid", process.pid}, {"process_started", process.started}});
}

void Journal::done(const std::string& scan, double seconds, double view_modes_per_s) {
  add({{"event", "done"}, {"scan", scan}, {"seconds", seconds}, {"view_modes_per_s", view_modes_per_s}});
}

void Journal::will_retry(const std::string& scan, double seconds, double retry_at, const std::string& message) {
  add({{"event", "will_retry"}, {"scan", scan}, {"seconds", seconds}, {"retry_at", retry_at}, {"message", message}});
}

void Journal::gave_up(const std::string& scan, double seconds, const std::string& message) {
  add({{"event", "gave_up"}, {"scan", scan}, {"seconds", seconds}, {"message", message}});
}

void Journal::again(const std::string& scan) { add({{"event", "again"}, {"scan", scan}}); }

}  // namespace ptychoflow::host
