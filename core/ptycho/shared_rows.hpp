// The object's numerator where ranks share rows: neighbours send each other what they have, while they compute the
// rest.
#pragma once

#include <vector>

#include "core/ptycho/kernels.hpp"

namespace ptychoflow::ptycho {

/// Sums one numerator over the ranks that hold a row. Each of them adds up in the order of ranks, so that all get the
/// same bits. Works on copies in the processor's memory.
template <class T>
class SharedRows {
 public:
  SharedRows(const Distribution& distribution, const comm::Communicator& ranks)
      : distribution_(distribution), ranks_(ranks) {}

  /// Sends this rank's part of the shared rows: no more may be added to them.
  void start(const Overlap<T>& overlap);

  /// Lets messages move on.
  void advance() { exchange_.advance(); }

  /// Waits for the others' parts, and adds up.
  void finish(Overlap<T>& overlap);

 private:
  struct Part {
    Neighbour neighbour;
    std::vector<std::byte> sent, received;  ///< [mode][row][x]
  };

  template <class Number>
  void start(const device::Array<Complex<Number>, 3>& sums);
  template <class Number>
  void finish(device::Array<Complex<Number>, 3>& sums);
  template <class Number>
  void add_up(Index mode, Index row, Index width, Number* own) const;
  std::vector<device::Share> shared_ranges() const;

  const Distribution& distribution_;
  comm::Communicator ranks_;
  std::vector<Part> parts_;
  comm::Exchange exchange_;
};

}  // namespace ptychoflow::ptycho
