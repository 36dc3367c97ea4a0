// An object that lies in rows on several ranks, on its way into a file that one of them writes.
#pragma once

#include <vector>

#include "core/comm/communicator.hpp"
#include "core/io/result_file.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::save {

struct WholeObject {
  stage::Tensor object, coverage;
};

/// Every rank makes one; then the root takes `rows` or `whole`, and all others call `give`. The packet must outlive it.
class RowExchange {
 public:
  /// Collective.
  /// @param packet  with this rank's `object_rows` and `object_coverage_rows`
  RowExchange(const stage::Packet& packet, comm::Communicator ranks);

  /// On the root: what is read from it comes from the ranks that own it, at most some MiB at a time.
  io::ObjectRows rows();

  /// The same brought together: all of it, in the root's memory.
  WholeObject whole();

  /// On the root, after a fault: takes what was not read yet, so that nobody waits.
  void drop_rest();

  /// On all other ranks: sends its rows as the root asks for them.
  void give() const;

 private:
  struct Part {
    Index mode, first, count;
  };
  struct Mine {
    Index first, count;
  };

  std::vector<Part> parts() const;
  void read(const Part& part, char* to);
  Mine share_of(const Part& part, int rank) const;
  const char* own(Index mode, Index row) const;
  std::size_t row_bytes(Index mode) const;

  const stage::Packet& packet_;
  comm::Communicator ranks_;
  Extents<3> extents_{};
  bool is_double_ = false;
  std::vector<std::int64_t> owned_;  ///< first row and number of rows of each rank
  std::size_t read_ = 0;             ///< parts that the root has
};

}  // namespace ptychoflow::save
