// Automated processing: each scan that comes into a folder is taken once, and run through a pipeline by a process of
// its own, so that nothing that happens to a scan ends the watch.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "plugin/host/command_line.hpp"
#include "plugin/host/watch/job.hpp"
#include "plugin/host/watch/journal.hpp"
#include "plugin/host/watch/scan_folder.hpp"

namespace ptychoflow::host {

/// Where a watch keeps its state.
struct WatchPaths {
  std::filesystem::path folder;
  std::filesystem::path journal() const { return folder / "journal.jsonl"; }
  std::filesystem::path log(const std::string& scan) const;
  std::filesystem::path report(const std::string& scan) const;
  std::filesystem::path metrics;

  static WatchPaths of(const Command& command);
};

class Watcher {
 public:
  /// @param cores  that runs may use between them
  /// @throws Error (usage) for a folder that is not there, (resource) if state cannot be kept or another watch keeps it
  Watcher(const Command& command, const Screen& screen, int cores);

  /// Until the user wants it to stop, or with `once` until nothing is left to do.
  /// @return exit code: data if scans were given up in an `once`
  int run();

 private:
  void take_up_after_a_kill();
  void hear_of_jobs();
  void start_jobs();
  bool start(const ScanFolder::Scan& scan);
  bool wants(const ScanFolder::Scan& scan);
  void stop_jobs();
  void ended(const std::string& scan, const JobEnd& end);
  void interrupted(const std::string& scan);
  void retry_or_give_up(const std::string& scan, double seconds, const std::string& why, double wait_s);
  void give_up(const std::string& scan, double seconds, const std::string& why);
  std::vector<std::string> command_for(const std::string& scan) const;
  nlohmann::json report_of(const std::string& scan) const;
  void write_metrics();

  const Command& command_;
  const WatchOptions& options_;
  const Screen& screen_;
  int threads_;
  WatchPaths paths_;
  ScanFolder folder_;
  Journal journal_;
  std::map<std::string, std::unique_ptr<Job>> jobs_;
  std::map<std::string, ProcessMark> orphans_;  ///< of a watch that was killed, and still at work
  std::map<std::string, FileStamp> warned_of_;
  std::size_t untaken_ = 0;  ///< in the folder when it was looked at last
  bool given_up_ = false;
  std::string metrics_;  ///< as written
};

}  // namespace ptychoflow::host
