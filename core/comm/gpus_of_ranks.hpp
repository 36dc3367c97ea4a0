// Agreement of ranks to compute on GPUs: all do, or none.
#pragma once

#include <string>

#include "core/comm/communicator.hpp"

namespace ptychoflow::comm {

/// Collective: returns if every rank has a GPU, and fails on all of them otherwise.
/// @param reason  why this rank has none; empty: it has one
/// @throws Error (resource) with this rank's reason, or the number of a rank that has none
void expect_gpus_on_all(const std::string& reason, const Communicator& ranks);

}  // namespace ptychoflow::comm
