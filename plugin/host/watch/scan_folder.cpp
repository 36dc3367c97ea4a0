#include "plugin/host/watch/scan_folder.hpp"

#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "core/base/error.hpp"

namespace ptychoflow::host {
namespace {

/// Somebody writes it: HDF5 locks what it has open for writing. A file system without locks says no.
bool locked(const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return true;  // it cannot be read, either
  const bool taken = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(descriptor);
  return taken;
}

/// How long ago it was changed, by this machine's clock.
double age_s(const FileStamp& stamp) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::max(0.0, std::chrono::duration<double>(now).count() - 1e-9 * static_cast<double>(stamp.modified_ns));
}

}  // namespace

FileStamp stamp_of(const std::string& file) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0) return {};
  return {static_cast<std::uint64_t>(about.st_size),
          std::int64_t{about.st_mtim.tv_sec} * 1'000'000'000 + about.st_mtim.tv_nsec};
}

ScanFolder::ScanFolder(std::filesystem::path folder, std::string pattern, std::string flag, double settle_s)
    : folder_(std::move(folder)), pattern_(std::move(pattern)), flag_(std::move(flag)), settle_s_(settle_s) {
  if (!std::filesystem::is_directory(folder_))
    throw Error(ErrorCode::usage, folder_.string() + ": there is no such folder to watch: correct --folder");
  folder_ = std::filesystem::canonical(folder_);
  events_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (events_ >= 0) {
    static_cast<void>(
        ::inotify_add_watch(events_, folder_.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_MODIFY | IN_CREATE));
  }
}

ScanFolder::~ScanFolder() {
  if (events_ >= 0) ::close(events_);
}

void ScanFolder::listen() {
  alignas(inotify_event) char buffer[16384];
  for (ssize_t size = 0; events_ >= 0 && (size = ::read(events_, buffer, sizeof(buffer))) > 0;) {
    for (const char* at = buffer; at < buffer + size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      at += sizeof(inotify_event) + event->len;
      if (event->len == 0) continue;
      Heard& heard = heard_[(folder_ / event->name).string()];
      if ((event->mask & (IN_MODIFY | IN_CREATE)) != 0) heard = Heard::nothing;
      if ((event->mask & IN_CLOSE_WRITE) != 0) heard = Heard::closed;
      if ((event->mask & IN_MOVED_TO) != 0) heard = Heard::renamed;
    }
  }
}

bool ScanFolder::complete(const std::string& file, const FileStamp& stamp, double now) {
  if (!flag_.empty()) return std::filesystem::exists(file + flag_);
  Seen& seen = seen_[file];
  if (seen.since == 0) {  // it may have come long before this watch
    seen = {stamp, now - age_s(stamp)};
  } else if (seen.stamp != stamp) {
    seen = {stamp, now};
  }
  const auto told = heard_.find(file);
  const Heard heard = told == heard_.end() ? Heard::nothing : told->second;
  if (heard == Heard::renamed) return !locked(file);
  const double settled = heard == Heard::closed ? std::min(closed_settle_s, settle_s_) : settle_s_;
  return now - seen.since >= settled && !locked(file);
}

std::vector<ScanFolder::Scan> ScanFolder::look(double now) {
  listen();
  std::vector<Scan> scans;
  std::error_code fault;  // a file system that is away for a while: there is nothing to see
  for (const auto& entry : std::filesystem::directory_iterator(folder_, fault)) {
    const std::string name = entry.path().filename();
    if (name.front() == '.' || ::fnmatch(pattern_.c_str(), name.c_str(), 0) != 0) continue;
    const std::string file = entry.path();
    const FileStamp stamp = stamp_of(file);
    if (stamp == FileStamp{} || std::filesystem::is_directory(file)) continue;  // gone, or no file
    scans.push_back({file, stamp, complete(file, stamp, now)});
  }
  std::ranges::sort(scans,
                    [](const Scan& a, const Scan& b) { return ::strverscmp(a.file.c_str(), b.file.c_str()) < 0; });
  return scans;
}

void ScanFolder::wait(double seconds) const {
  pollfd events{events_, POLLIN, 0};
  static_cast<void>(::poll(&events, events_ >= 0 ? 1 : 0, static_cast<int>(seconds * 1000)));
}

}  // namespace ptychoflow::host
