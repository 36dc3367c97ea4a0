// Which files a checkpoint is made of, and which of several is the newest whole one.
//
//   FILE.000050            list of parts with their checksums: written last, so that its presence says all are there
//   FILE.000050.0of4, …    one part a rank
//
// The two newest generations are kept.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/view.hpp"
#include "core/comm/communicator.hpp"
#include "core/io/checksum.hpp"

namespace ptychoflow::ptycho {

/// One checkpoint: all ranks' parts of one iteration.
struct Generation {
  Index iteration = 0;
  std::vector<std::filesystem::path> parts;  ///< by the rank that wrote them
  std::vector<io::Checksum> checksums;
};

class CheckpointFiles {
 public:
  /// @throws Error (usage, resource) if files cannot be written there
  explicit CheckpointFiles(std::filesystem::path file);

  /// Part of rank `rank` of `size`.
  std::filesystem::path part(Index iteration, int rank, int size) const;

  /// The newest generation whose parts are all what was written. Collective. Says by `warn` which are damaged.
  /// @throws Error (data) if there are some and none is whole
  std::optional<Generation> newest(const comm::Communicator& ranks,
                                   const std::function<void(const std::string&)>& warn) const;

  /// Declares a generation whole, on the root alone, and removes all but the two newest.
  void complete(const Generation& generation) const;

  /// Removes every file of every generation, and what a killed program left half-written. For the root alone.
  void remove_all() const;

 private:
  std::filesystem::path list_of(Index iteration) const;
  std::vector<Index> iterations() const;
  Generation read(Index iteration) const;
  template <class Keep>
  void remove_if_not(const Keep& keep) const;

  std::filesystem::path file_;
};

}  // namespace ptychoflow::ptycho
