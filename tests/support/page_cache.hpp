// How much of a file the system holds in memory.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>
#include <vector>

namespace ptychoflow::test {

/// For each page of the file, whether it is in memory.
inline std::vector<bool> pages_in_memory(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const auto bytes = static_cast<std::size_t>(std::filesystem::file_size(file));
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* map = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor, 0);
  std::vector<unsigned char> here((bytes + page - 1) / page);
  EXPECT_EQ(mincore(map, bytes, here.data()), 0);
  munmap(map, bytes);
  close(descriptor);
  std::vector<bool> list;
  for (const unsigned char h : here) list.push_back((h & 1) != 0);
  return list;
}

/// Writes the file through to the disk and has the system forget it. False if it does not: a disk in memory, say.
inline bool forget(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  fsync(descriptor);
  (void)posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
  close(descriptor);
  for (const bool here : pages_in_memory(file)) {
    if (here) return false;
  }
  return true;
}

/// True once `done` is, within ten seconds.
inline bool comes_true(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace ptychoflow::test
