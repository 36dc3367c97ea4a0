#include "core/device/scratch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "core/base/error.hpp"

namespace ptychoflow::device {
namespace {

constexpr double GiB = 1 << 30;

Error failure(const std::filesystem::path& folder, const std::string& what, int reason) {
  return Error(ErrorCode::resource,
               fmt::format("memory: scratch: {}: {}: {}", folder.string(), what, std::strerror(reason)));
}

double free_bytes(const std::filesystem::path& folder) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return 0;
  return static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
}

Error no_room(const std::filesystem::path& folder, std::size_t bytes, int reason) {
  return failure(folder,
                 fmt::format("{:.3f} GiB are needed there on this rank, {:.3f} are free: name a folder with more room, "
                             "use more ranks or allow more memory",
                             static_cast<double>(bytes) / GiB, free_bytes(folder) / GiB),
                 reason);
}

/// A file without a name. Where the file system cannot make one, it has a name for a moment.
int open_unnamed(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return descriptor;
  std::string name = (folder / ".ptychoflow-scratch-XXXXXX").string();
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

/// Whole pages within (or around) a range.
std::pair<char*, std::size_t> pages(const void* data, std::size_t bytes) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(data) / page * page;
  const auto last = (reinterpret_cast<std::uintptr_t>(data) + bytes + page - 1) / page * page;
  return {reinterpret_cast<char*>(first), last - first};
}

class DirectUpload final : public Upload {
 public:
  explicit DirectUpload(Scratch& scratch) : scratch_(scratch) {}
  void copy_in(void* to, const void* host, std::size_t bytes) override { scratch_.copy_in(to, host, bytes); }
  void finish() override {}

 private:
  Scratch& scratch_;
};

}  // namespace

Scratch::Scratch(std::filesystem::path folder) : folder_(std::move(folder)) {
  const int descriptor = open_unnamed(folder_);
  if (descriptor < 0) throw failure(folder_, "no file can be made there, name another folder", errno);
  ::close(descriptor);
}

Scratch::~Scratch() {
  while (!files_.empty()) release(files_.begin()->first);
}

void Scratch::expect_room(std::size_t bytes) const {
  if (free_bytes(folder_) < static_cast<double>(bytes)) throw no_room(folder_, bytes, ENOSPC);
}

void* Scratch::allocate(std::size_t bytes) {
  const int descriptor = open_unnamed(folder_);
  if (descriptor < 0) throw failure(folder_, "no file can be made there", errno);
  if (const int reason = ::posix_fallocate(descriptor, 0, static_cast<off_t>(bytes)); reason != 0) {
    ::close(descriptor);
    throw no_room(folder_, bytes, reason);
  }
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (data == MAP_FAILED) {
    const int reason = errno;
    ::close(descriptor);
    throw failure(folder_, "the file cannot be mapped", reason);
  }
  files_[data] = {descriptor, bytes};
  return data;
}

void Scratch::release(void* data) noexcept {
  const auto found = files_.find(data);
  if (found == files_.end()) return;
  ::munmap(data, found->second.bytes);
  ::close(found->second.descriptor);
  files_.erase(found);
}

const std::pair<void* const, Scratch::File>& Scratch::file_of(const void* data) const {
  return *std::prev(files_.upper_bound(const_cast<void*>(data)));
}

void Scratch::clear(void* data, std::size_t bytes) { std::memset(data, 0, bytes); }

void Scratch::copy_in(void* to, const void* host, std::size_t bytes) {
  const auto& [start, file] = file_of(to);
  const auto offset = static_cast<off_t>(static_cast<char*>(to) - static_cast<char*>(start));
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t written = ::pwrite(file.descriptor, static_cast<const char*>(host) + done, bytes - done,
                                     offset + static_cast<off_t>(done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw failure(folder_, "the disk does not take what is written to it", errno);
    done += static_cast<std::size_t>(written);
  }
}

void Scratch::copy_out(void* host, const void* from, std::size_t bytes) { std::memcpy(host, from, bytes); }

std::unique_ptr<Upload> Scratch::upload() { return std::make_unique<DirectUpload>(*this); }

void Scratch::fetch(const void* data, std::size_t bytes) noexcept {
  const auto [first, size] = pages(data, bytes);
  ::madvise(first, size, MADV_WILLNEED);
}

void Scratch::evict(const void* data, std::size_t bytes) noexcept {
  const auto& [start, file] = file_of(data);
  const auto [first, size] = pages(data, bytes);
  ::madvise(first, size, MADV_DONTNEED);
  ::sync_file_range(file.descriptor, first - static_cast<char*>(start), static_cast<off_t>(size),
                    SYNC_FILE_RANGE_WRITE);
}

}  // namespace ptychoflow::device
