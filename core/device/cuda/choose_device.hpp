// Which of a machine's cards a rank computes on.
#pragma once

#include <cstddef>

namespace ptychoflow::device::cuda {

struct Choice {
  int device = 0;   ///< as CUDA numbers those it sees
  int sharing = 1;  ///< ranks on this card, this one among them
};

/// @param wished  the number of a card; −1: one after the other, by `rank` of the `ranks` on this machine
/// @throws Error (resource) if there is none, or not this one: with the reason, and what to do
Choice choose_device(int wished, int rank, int ranks);

/// Makes the card this thread's. Returns the bytes of its memory that this rank may use now.
std::size_t take_device(const Choice& choice);

}  // namespace ptychoflow::device::cuda
