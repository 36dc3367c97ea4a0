// This process among those of the run that share its machine, with which it shares memory and GPUs.
#pragma once

namespace ptychoflow::comm {

struct NodePlace {
  int rank = 0;
  int size = 1;
};

/// As the session found it when it began; without one, a process alone. [any-thread]
NodePlace place_on_node();

/// For Session.
void set_place_on_node(NodePlace place);

}  // namespace ptychoflow::comm
