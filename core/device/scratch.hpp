// Arrays that are larger than memory: they lie in a file, of which some pages are in memory at a time.
#pragma once

#include <filesystem>
#include <map>

#include "core/device/memory.hpp"

namespace ptychoflow::device {

/// Gives arrays memory that is a file in a folder of its user's choice. The processor reads and writes them as it does
/// any array; what it has touched stays in memory until it is evicted. The files have no names: however the program
/// ends, nothing of them stays.
class Scratch final : public Memory {
 public:
  /// @throws Error (resource) if the folder is not there or takes no files
  explicit Scratch(std::filesystem::path folder);
  ~Scratch() override;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// @throws Error (resource) if so much has no room on the disk
  void expect_room(std::size_t bytes) const;

  /// @throws Error (resource) if the disk has no room: with how much there is
  void* allocate(std::size_t bytes) override;
  void release(void* data) noexcept override;
  void clear(void* data, std::size_t bytes) override;
  void copy_in(void* to, const void* host, std::size_t bytes) override;  ///< straight to the file
  void copy_out(void* host, const void* from, std::size_t bytes) override;
  std::unique_ptr<Upload> upload() override;

  /// Starts to read what will soon be needed.
  void fetch(const void* data, std::size_t bytes) noexcept;

  /// Lets memory go, and starts to write what is new to the disk. The next touch reads it again.
  void evict(const void* data, std::size_t bytes) noexcept;

 private:
  struct File {
    int descriptor;
    std::size_t bytes;
  };
  const std::pair<void* const, File>& file_of(const void* data) const;

  std::filesystem::path folder_;
  std::map<void*, File> files_;  ///< by their first byte in memory
};

}  // namespace ptychoflow::device
