// What has become of each scan of a watched folder, in a file that outlives the program: one line of JSON for each
// event, written through to the disk before anything else is done.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace ptychoflow::host {

/// A file as it was: a later one of the same name is another scan's, or goes on.
struct FileStamp {
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// A process, told apart from any that gets its number later.
struct ProcessMark {
  int pid = 0;
  std::string started;  ///< boot of the machine, and ticks since
  friend bool operator==(const ProcessMark&, const ProcessMark&) = default;

  /// @throws nothing; an empty mark if there is no such process
  static ProcessMark of(int pid);
  bool alive() const { return pid > 0 && !started.empty() && of(pid) == *this; }
};

enum class ScanState {
  running,  ///< taken; it has not been heard how it ended
  waiting,  ///< to be tried again
  done,
  failed,  ///< given up
};

struct ScanRecord {
  ScanState state = ScanState::running;
  int attempts = 0;
  FileStamp file;         ///< when it was taken last
  ProcessMark process;    ///< that works on it
  double started_at = 0;  ///< seconds since 1970
  double retry_at = 0;
  double seconds = 0;           ///< that the last attempt took
  double view_modes_per_s = 0;  ///< 0: not known
  std::string message;          ///< why it failed
};

/// Not for two programs at a time.
class Journal {
 public:
  using Scans = std::map<std::string, ScanRecord>;  ///< by absolute file name

  /// Creates the file, or reads what is there. A line that was being written when the machine went down is dropped.
  /// @throws Error (resource) if it cannot be opened, or another program has it; (data) for a line that makes no sense
  explicit Journal(std::filesystem::path file);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// As the file has it, without locking it. Nothing if there is none. @throws Error as the constructor
  static Scans read(const std::filesystem::path& file);

  const Scans& scans() const { return scans_; }

  /// @throws Error (resource) if the disk does not take it
  void taken(const std::string& scan, const FileStamp& file, double now);
  void started(const std::string& scan, const ProcessMark& process);
  void done(const std::string& scan, double seconds, double view_modes_per_s);
  void will_retry(const std::string& scan, double seconds, double retry_at, const std::string& message);
  void gave_up(const std::string& scan, double seconds, const std::string& message);
  /// As if it had never been taken.
  void again(const std::string& scan);

 private:
  void add(const nlohmann::json& event);

  std::filesystem::path path_;
  int file_ = -1;
  Scans scans_;
};

}  // namespace ptychoflow::host
