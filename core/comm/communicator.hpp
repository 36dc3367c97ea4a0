// The ranks that work together. No MPI type shows; without MPI it is a serial run of one rank.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/complex.hpp"
#include "core/base/view.hpp"

namespace ptychoflow::comm {

/// What one rank sends to another, and gets back from it.
struct Transfer {
  int rank = 0;
  const void* send = nullptr;
  void* receive = nullptr;
  std::size_t bytes = 0;
};

/// Messages under way.
class Exchange {
 public:
  Exchange();
  Exchange(Exchange&&) noexcept;
  Exchange& operator=(Exchange&&) noexcept;
  ~Exchange();  ///< gives up what has not ended: only after a failure

  /// Lets messages move on, if they need the processor's help for that. Cheap.
  void advance();

  /// Waits until all are sent and received. @throws Error (other) if MPI reports a fault
  void finish();

 private:
  friend class Communicator;
  struct Requests;
  std::unique_ptr<Requests> requests_;
};

/// Bytes that a rank has sent.
struct Traffic {
  std::uint64_t to_neighbours = 0;  ///< by `exchange`
  std::uint64_t in_sums = 0;        ///< by `sum`: 2(R − 1)/R times the data, what a sum over R ranks takes at least
};

/// A group of ranks. All calls but `rank`, `size`, `exchange`,
/// `send` and `receive` are collective: every rank makes them in the same order.
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

  /// What this rank has sent by way of this object and its copies.
  Traffic traffic() const { return *traffic_; }

  /// The largest of all ranks' values, on every rank.
  double max(double value) const;

  /// Starts to send to and receive from other ranks, each of which must do the same with as many bytes. The memory is
  /// the exchange's until it ends.
  Exchange exchange(const std::vector<Transfer>& messages) const;

  /// For one rank to give another bytes; both must name the same number of them.
  void send(const void* data, std::size_t bytes, int to) const;
  void receive(void* data, std::size_t bytes, int from) const;

  void barrier() const;

  /// True if this MPI says that `sum` may be given a GPU's memory.
  bool takes_gpu_memory() const;

  /// Gives every rank the root's text.
  void broadcast(std::string& text) const;

  /// Every rank's items, one rank after the other, on every rank.
  std::vector<double> gather(const std::vector<double>& mine) const;
  std::vector<std::int64_t> gather(const std::vector<std::int64_t>& mine) const;

 private:
  void* mpi_comm_ = nullptr;
  std::shared_ptr<Traffic> traffic_ = std::make_shared<Traffic>();
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace ptychoflow::comm
