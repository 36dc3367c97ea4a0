#include "core/io/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <system_error>

#include "core/base/error.hpp"

namespace ptychoflow::io {

namespace fs = std::filesystem;

namespace {

fs::path folder_of(const fs::path& target) { return target.has_parent_path() ? target.parent_path() : fs::path("."); }

/// Names of the temporary files there are, where a signal handler can read them: no lock, no allocation.
struct Note {
  enum State { free, being_made, made };
  std::atomic<int> state{free};
  std::array<char, PATH_MAX> name{};
};
std::array<Note, 16> notes;  // more files at once than that are not noted

std::atomic<bool> lasting = false;

std::optional<std::size_t> note_down(const fs::path& name) {
  if (name.native().size() >= PATH_MAX) return std::nullopt;
  for (std::size_t i = 0; i < notes.size(); ++i) {
    int expected = Note::free;
    if (!notes[i].state.compare_exchange_strong(expected, Note::being_made)) continue;
    std::strcpy(notes[i].name.data(), name.c_str());
    notes[i].state = Note::made;
    return i;
  }
  return std::nullopt;
}

void strike_out(std::optional<std::size_t>& note) {
  if (note) notes[*note].state = Note::free;
  note.reset();
}

/// Waits until the disk has what was written to `path`, a file or a folder. False, with errno set, if it does not take
/// it.
bool flush_to_disk(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool flushed = ::fsync(descriptor) == 0;
  const int reason = errno;
  ::close(descriptor);
  errno = reason;
  return flushed;
}

}  // namespace

void check_target(const fs::path& target, Overwrite overwrite) {
  const fs::path folder = folder_of(target);
  std::error_code ignored;
  if (!target.has_filename()) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is no file name to write to", target.string()));
  }
  if (!fs::exists(folder, ignored)) {
    throw Error(ErrorCode::usage, fmt::format("{}: cannot be written: there is no folder {}: make it, or name another",
                                              target.string(), folder.string()));
  }
  if (!fs::is_directory(folder, ignored)) {
    throw Error(ErrorCode::usage,
                fmt::format("{}: cannot be written: {} is not a folder", target.string(), folder.string()));
  }
  if (fs::is_directory(target, ignored)) {
    throw Error(ErrorCode::usage, fmt::format("{}: cannot be written: it is a folder", target.string()));
  }
  if (fs::exists(target, ignored) && overwrite == Overwrite::refuse) {
    throw Error(ErrorCode::usage,
                fmt::format("{}: is already there: name another file, or set overwrite: true", target.string()));
  }
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    throw Error(ErrorCode::resource, fmt::format("{}: cannot be written: the folder {} is read-only ({})",
                                                 target.string(), folder.string(), std::strerror(errno)));
  }
}

AtomicFile::AtomicFile(fs::path target, Overwrite overwrite) : target_(std::move(target)), overwrite_(overwrite) {
  check_target(target_, overwrite_);
  temporary_ = folder_of(target_) / fmt::format(".{}.tmp-{}", target_.filename().string(), ::getpid());
  note_ = note_down(temporary_);
}

AtomicFile::~AtomicFile() {
  std::error_code ignored;
  if (!committed_) fs::remove(temporary_, ignored);
  strike_out(note_);
}

void AtomicFile::commit() {
  check_target(target_, overwrite_);
  if (!flush_to_disk(temporary_, O_RDONLY)) {
    throw Error(ErrorCode::resource,
                fmt::format("{}: cannot be written to the disk: {}", target_.string(), std::strerror(errno)));
  }
  if (overwrite_ == Overwrite::refuse) lasting = true;
  if (std::rename(temporary_.c_str(), target_.c_str()) != 0) {
    throw Error(ErrorCode::resource, fmt::format("{}: the finished file cannot be given this name: {}",
                                                 target_.string(), std::strerror(errno)));
  }
  committed_ = true;
  strike_out(note_);
  flush_to_disk(folder_of(target_), O_RDONLY | O_DIRECTORY);  // the name; some file systems cannot, and it is there
}

bool has_lasting_file() noexcept { return lasting; }

void remove_unfinished() noexcept {
  for (const Note& note : notes) {
    if (note.state == Note::made) ::unlink(note.name.data());
  }
}

}  // namespace ptychoflow::io
