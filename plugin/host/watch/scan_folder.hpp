// A folder into which scans come, and which of them are complete.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "plugin/host/watch/journal.hpp"

namespace ptychoflow::host {

/// A file is complete
/// - with a flag: when a file of its name and that suffix is there;
/// - else when it came by a new name, which is how files are published whole;
/// - else when nobody has it locked, as HDF5's writers do, and it has not changed for a while: `settle_s`, or
///   `closed_settle_s` if this system said that its writer closed it. (Other machines' writers are not heard of.)
class ScanFolder {
 public:
  static constexpr double closed_settle_s = 2;

  /// @throws Error (usage) if there is no such folder
  ScanFolder(std::filesystem::path folder, std::string pattern, std::string flag, double settle_s);
  ~ScanFolder();
  ScanFolder(const ScanFolder&) = delete;
  ScanFolder& operator=(const ScanFolder&) = delete;

  struct Scan {
    std::string file;  ///< absolute
    FileStamp stamp;
    bool complete;
  };

  /// What is there, scan_9 before scan_10. @param now  seconds on a clock that never goes back
  std::vector<Scan> look(double now);

  /// Sleeps until something happens in the folder, or so many seconds.
  void wait(double seconds) const;

 private:
  enum class Heard { nothing, closed, renamed };
  struct Seen {
    FileStamp stamp;
    double since = 0;  ///< it has been like this
  };

  void listen();
  bool complete(const std::string& file, const FileStamp& stamp, double now);

  std::filesystem::path folder_;
  std::string pattern_, flag_;
  double settle_s_;
  int events_ = -1;  ///< inotify; -1: this system has none left
  std::map<std::string, Heard> heard_;
  std::map<std::string, Seen> seen_;
};

/// Size and time of change; nothing if there is no such file.
FileStamp stamp_of(const std::string& file);

}  // namespace ptychoflow::host
