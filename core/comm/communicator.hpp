// The ranks that work together. No MPI type shows; without MPI it is a serial run of one rank.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/complex.hpp"
#include "core/base/view.hpp"

namespace ptychoflow::comm {

/// A rank among those that share its machine.
struct NodePlace {
  int rank = 0;
  int size = 1;
};

/// A group of ranks. All calls but `rank` and `size` are collective: every rank makes them in the same order.
/// It does not own the MPI communicator behind it; copies speak to the same group.
/// All calls throw Error (other) if MPI reports a fault.
class Communicator {
 public:
  /// A serial run: one rank, every call a no-op.
  Communicator() = default;

  /// `mpi_comm`: address of an MPI_Comm that outlives this object, or nullptr for a serial run.
  explicit Communicator(void* mpi_comm);

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_root() const { return rank_ == 0; }

  /// Replaces `data` on every rank by its sum over ranks.
  template <class T>
  void sum(T* data, Index count) const;

  template <class T, std::size_t Rank>
  void sum(View<Complex<T>, Rank> data) const {
    sum(reinterpret_cast<T*>(data.data()), 2 * data.size());
  }
  template <class T, std::size_t Rank>
  void sum(View<T, Rank> data) const {
    sum(data.data(), data.size());
  }

  void barrier() const;

  /// Collective, though each rank learns its own.
  NodePlace place_on_node() const;

  /// True if this MPI says that `sum` may be given a GPU's memory.
  bool takes_gpu_memory() const;

  /// Gives every rank the root's text.
  void broadcast(std::string& text) const;

  /// Every rank's items, one rank after the other, on every rank.
  std::vector<double> gather(const std::vector<double>& mine) const;
  std::vector<std::int64_t> gather(const std::vector<std::int64_t>& mine) const;

 private:
  void* mpi_comm_ = nullptr;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace ptychoflow::comm
