// Files that will soon be read.
#pragma once

#include <string>
#include <thread>

namespace ptychoflow::io {

/// Has the system read a file, or a part of it, into its memory on a thread of its own, so that whoever reads it next
/// need not wait for the disk. No more of it than a quarter of the machine's memory. Faults end it in silence: they
/// belong to the one who reads the file in earnest.
class ReadAhead {
 public:
  /// @param part, parts the file is cut into `parts` equal pieces, of which number `part` is read
  ReadAhead(std::string file, int part, int parts);

  /// Stops at once.
  ~ReadAhead() = default;
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

 private:
  std::jthread reader_;
};

}  // namespace ptychoflow::io
