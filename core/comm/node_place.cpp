#include "core/comm/node_place.hpp"

#include <atomic>

namespace ptychoflow::comm {

namespace {
std::atomic<NodePlace> place_of_this_process{NodePlace{}};
}

NodePlace place_on_node() { return place_of_this_process; }
void set_place_on_node(NodePlace place) { place_of_this_process = place; }

}  // namespace ptychoflow::comm
