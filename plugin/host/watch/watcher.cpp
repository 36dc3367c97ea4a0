#include "plugin/host/watch/watcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "core/base/error.hpp"
#include "plugin/host/signals.hpp"
#include "plugin/host/watch/metrics.hpp"

namespace ptychoflow::host {
namespace {

using Json = nlohmann::json;

constexpr double look_every_s = 0.2;

double steady_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
double utc_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string file_name(const std::string& scan) { return std::filesystem::path(scan).filename(); }

/// As one word of a shell.
std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text = text.replace(at, what.size(), by);
  return text;
}

}  // namespace

WatchPaths WatchPaths::of(const Command& command) {
  WatchPaths paths{command.watch.state, command.watch.metrics};
  if (paths.folder.empty()) paths.folder = std::filesystem::path(command.pipeline).stem().string() + ".watch";
  if (paths.metrics.empty()) paths.metrics = paths.folder / "metrics.prom";
  return paths;
}

std::filesystem::path WatchPaths::log(const std::string& scan) const {
  return folder / "logs" / (file_name(scan) + ".log");
}
std::filesystem::path WatchPaths::report(const std::string& scan) const {
  return folder / "reports" / (file_name(scan) + ".json");
}

namespace {

/// Makes the folders before anything is opened in them.
WatchPaths prepared(WatchPaths paths) {
  std::error_code fault;
  for (const char* part : {"logs", "reports"}) {
    if (!std::filesystem::create_directories(paths.folder / part, fault) && fault) {
      throw Error(ErrorCode::resource, fmt::format("{}: cannot be made: {}; give --state another folder",
                                                   (paths.folder / part).string(), fault.message()));
    }
  }
  return paths;
}

}  // namespace

Watcher::Watcher(const Command& command, const Screen& screen, int cores)
    : command_(command),
      options_(command.watch),
      screen_(screen),
      threads_(command.threads > 0 || !options_.launcher.empty() ? command.threads
                                                                 : std::max(1, cores / options_.parallel)),
      paths_(prepared(WatchPaths::of(command))),
      folder_(options_.folder, options_.pattern, options_.flag, options_.settle_s),
      journal_(paths_.journal()) {}

int Watcher::run() {
  take_up_after_a_kill();
  while (!stop_requested()) {
    hear_of_jobs();
    start_jobs();
    write_metrics();
    const bool at_rest = jobs_.empty() && orphans_.empty() && untaken_ == 0;
    if (options_.once && at_rest) break;
    folder_.wait(look_every_s);
  }
  stop_jobs();
  write_metrics();
  return options_.once && given_up_ ? static_cast<int>(ErrorCode::data) : 0;
}

/// What was under way when the watch before this one ended without a word.
void Watcher::take_up_after_a_kill() {
  const Journal::Scans before = journal_.scans();
  for (const auto& [scan, record] : before) {
    if (record.state == ScanState::failed && options_.retry_failed) journal_.again(scan);
    if (record.state != ScanState::running) continue;
    if (record.process.alive()) {
      orphans_[scan] = record.process;
    } else {
      interrupted(scan);
    }
  }
}

void Watcher::hear_of_jobs() {
  for (auto job = jobs_.begin(); job != jobs_.end();) {
    const auto end = job->second->ended();
    if (!end) {
      ++job;
      continue;
    }
    ended(job->first, *end);
    job = jobs_.erase(job);
  }
  std::erase_if(orphans_, [&](const auto& orphan) {
    if (orphan.second.alive()) return false;
    interrupted(orphan.first);
    return true;
  });
}

void Watcher::start_jobs() {
  const auto scans = folder_.look(steady_now());
  untaken_ = 0;
  for (const auto& scan : scans) {
    if (!wants(scan)) continue;
    const bool room = static_cast<int>(jobs_.size() + orphans_.size()) < options_.parallel && !stop_requested();
    if (!room || !start(scan)) ++untaken_;
  }
  for (const auto& [name, record] : journal_.scans()) {
    if (record.state != ScanState::waiting) continue;
    if (stamp_of(name) == FileStamp{} && std::filesystem::exists(std::filesystem::path(name).parent_path())) {
      give_up(name, 0, "its file is gone; before that: " + record.message);
    } else {
      ++untaken_;
    }
  }
}

/// Whether it is the turn of a scan: new, to be tried again, or given up and changed since.
bool Watcher::wants(const ScanFolder::Scan& scan) {
  if (!scan.complete) return false;
  const auto found = journal_.scans().find(scan.file);
  if (found == journal_.scans().end()) return true;
  const ScanRecord& record = found->second;
  const bool changed = record.file != scan.stamp;
  switch (record.state) {
    case ScanState::running:
      return false;
    case ScanState::waiting:
      return record.retry_at <= utc_seconds();
    case ScanState::done:
      if (changed && std::exchange(warned_of_[scan.file], scan.stamp) != scan.stamp) {
        screen_.log(PTYCHOFLOW_LOG_WARNING,
                    file_name(scan.file) + " has changed since it was processed; it is not taken again");
      }
      return false;
    case ScanState::failed:
      if (changed) journal_.again(scan.file);
      return changed;
  }
  return false;
}

/// False if it has to wait.
bool Watcher::start(const ScanFolder::Scan& scan) {
  std::filesystem::remove(paths_.report(scan.file));  // what is there from now on is of this attempt
  journal_.taken(scan.file, scan.stamp, utc_seconds());
  screen_.log(PTYCHOFLOW_LOG_INFO,
              fmt::format("{}: attempt {}", file_name(scan.file), journal_.scans().at(scan.file).attempts));
  try {
    auto job = std::make_unique<Job>(command_for(scan.file), paths_.log(scan.file));
    journal_.started(scan.file, job->process());
    jobs_[scan.file] = std::move(job);
  } catch (const Error& e) {
    if (jobs_.contains(scan.file)) throw;
    retry_or_give_up(scan.file, 0, e.what(), options_.backoff_s);
    return false;
  }
  return true;
}

std::vector<std::string> Watcher::command_for(const std::string& scan) const {
  if (!options_.submit.empty()) {
    const std::string stem = std::filesystem::path(scan).stem();
    return {"/bin/sh", "-c", replaced(replaced(options_.submit, "{scan}", quoted(scan)), "{name}", quoted(stem))};
  }
  std::vector<std::string> words;
  std::istringstream launcher(options_.launcher);
  for (std::string word; launcher >> word;) words.push_back(word);
  words.push_back(std::filesystem::read_symlink("/proc/self/exe"));
  words.insert(words.end(), {"run", command_.pipeline, "--set", options_.variable + "=" + scan});
  for (const auto& [name, value] : command_.overrides)
    words.insert(words.end(), {"--set", fmt::format("{}={}", name, value)});
  if (threads_ > 0) words.insert(words.end(), {"--threads", std::to_string(threads_)});
  words.insert(words.end(), {"--backend", command_.backend, "--patience", fmt::format("{}", command_.patience_s),
                             "--report", paths_.report(scan).string(), "--whole-or-nothing", "-q"});
  return words;
}

Json Watcher::report_of(const std::string& scan) const {
  std::ifstream stream(paths_.report(scan));
  const Json report = Json::parse(stream, nullptr, false);
  return report.is_object() ? report : Json::object();
}

void Watcher::ended(const std::string& scan, const JobEnd& end) {
  const Json report = report_of(scan);
  if (end.signal == 0 && end.code == 0) {
    journal_.done(scan, end.seconds, view_modes_per_s(report));
    screen_.log(PTYCHOFLOW_LOG_INFO, fmt::format("{}: done in {:.1f} s", file_name(scan), end.seconds));
    return;
  }
  const Json error = report.value("error", Json());
  const std::string how = end.signal != 0 ? fmt::format("it was ended by signal {}", end.signal)
                                          : fmt::format("it ended with code {}", end.code);
  const std::string why =
      error.is_object() ? error.value("message", how) : fmt::format("{}: see {}", how, paths_.log(scan).string());
  const bool hopeless = end.code == static_cast<int>(ErrorCode::data) || end.code == static_cast<int>(ErrorCode::usage);
  if (hopeless && options_.submit.empty()) return give_up(scan, end.seconds, why);
  const int attempts = journal_.scans().at(scan).attempts;
  retry_or_give_up(scan, end.seconds, why, options_.backoff_s * std::exp2(attempts - 1));
}

/// Nobody was there when it ended; but the run's last act is its report.
void Watcher::interrupted(const std::string& scan) {
  if (!options_.submit.empty()) {
    return give_up(scan, 0,
                   "the watch was killed while it was being submitted: see whether it was; --retry-failed submits it");
  }
  const Json report = report_of(scan);
  const Json error = report.value("error", Json());
  const double seconds = report.value("wall_seconds", 0.0);
  if (report.value("status", "") == "done") return ended(scan, {0, 0, seconds});
  if (error.is_object()) return ended(scan, {error.value("code", 1), 0, seconds});
  retry_or_give_up(scan, 0, "the watch ended while it was at work", 0);
}

void Watcher::retry_or_give_up(const std::string& scan, double seconds, const std::string& why, double wait_s) {
  const int attempts = journal_.scans().at(scan).attempts;
  if (attempts > options_.retries) return give_up(scan, seconds, why);
  journal_.will_retry(scan, seconds, utc_seconds() + wait_s, why);
  screen_.log(PTYCHOFLOW_LOG_WARNING, fmt::format("{}: attempt {} of {} failed, the next is in {:.0f} s: {}",
                                                  file_name(scan), attempts, options_.retries + 1, wait_s, why));
}

void Watcher::give_up(const std::string& scan, double seconds, const std::string& why) {
  given_up_ = true;
  journal_.gave_up(scan, seconds, why);
  screen_.log(PTYCHOFLOW_LOG_ERROR, fmt::format("{}: given up: {}", file_name(scan), why));
}

/// Runs end at once, without a result, and are taken again by the next watch; what is being submitted is waited for. A
/// run that does not end is killed: an mpirun may wait for itself for ever (PMIx 4, when its ranks have been killed).
void Watcher::stop_jobs() {
  constexpr std::chrono::seconds patience{20};
  const auto killing_time = std::chrono::steady_clock::now() + patience;
  if (options_.submit.empty()) {
    for (const auto& [scan, job] : jobs_) job->ask_to_end();
  }
  while (!jobs_.empty()) {
    for (auto job = jobs_.begin(); job != jobs_.end();) {
      const auto end = job->second->ended();
      if (!end) {
        if (options_.submit.empty() && std::chrono::steady_clock::now() > killing_time) job->second->end_by_force();
        ++job;
        continue;
      }
      if (options_.submit.empty() && (end->signal != 0 || end->code != 0)) {
        journal_.again(job->first);
      } else {
        ended(job->first, *end);
      }
      job = jobs_.erase(job);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void Watcher::write_metrics() {
  const std::string text = metrics_text(journal_.scans(), untaken_);
  if (text == metrics_) return;
  write_whole(paths_.metrics, text);
  metrics_ = text;
}

}  // namespace ptychoflow::host
