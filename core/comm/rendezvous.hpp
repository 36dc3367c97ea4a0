// How the ranks' watches find each other, once, when a run starts.
#pragma once

#include <string>
#include <vector>

#include "core/comm/communicator.hpp"
#include "core/comm/socket.hpp"

namespace ptychoflow::comm {

struct Peer {
  int rank = 0;
  std::string host;
  Inbox inbox;
};

struct Meeting {
  std::string host;          ///< this rank's
  std::vector<Peer> peers;   ///< on the root: all that came; on others: the root, or nobody
  std::vector<int> missing;  ///< ranks that found no way to the root, the same on every rank
  int deputy = 0;            ///< who speaks if the root is lost: on another machine, if there is one
};

/// Connects every rank to the root by TCP, over the first address that answers with the root's token. Collective.
/// A rank that finds no way in a few seconds is left out. @throws Error (other) if MPI reports a fault
Meeting meet(const Communicator& ranks);

/// The name of this machine.
std::string host_name();

}  // namespace ptychoflow::comm
