// A file that appears whole or not at all: written beside its target under another name, then renamed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

namespace ptychoflow::io {

enum class Overwrite { refuse, allow };

/// Checks, before any data moves, that a file can be written at `target`.
/// @throws Error (usage) if the folder is missing, or the target is a folder or exists and `overwrite` is `refuse`
/// @throws Error (resource) if the folder cannot be written to
void check_target(const std::filesystem::path& target, Overwrite overwrite);

/// Names a temporary file `.NAME.tmp-PID` in the target's folder, for its user to create and close. `commit` flushes it
/// to the disk and gives it its name; without that the destructor removes it.
class AtomicFile {
 public:
  /// @throws what `check_target` throws
  AtomicFile(std::filesystem::path target, Overwrite overwrite);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& target() const { return target_; }
  const std::filesystem::path& temporary() const { return temporary_; }

  /// @throws Error (resource) if the disk does not take the data or the name, (usage) if the target appeared meanwhile
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  Overwrite overwrite_;
  bool committed_ = false;
  std::optional<std::size_t> note_;  ///< where `remove_unfinished` finds its name
};

/// Removes the temporary files of all AtomicFiles that are alive, for a process that is about to end without unwinding.
/// [any-thread, async-signal-safe]
void remove_unfinished() noexcept;

/// Whether this process has put a file in its place, or is about to, that may not be replaced: doing its work again
/// would be refused. [any-thread, async-signal-safe]
bool has_lasting_file() noexcept;

}  // namespace ptychoflow::io
