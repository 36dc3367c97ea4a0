// Faults of MPI as errors.
#pragma once

#include <fmt/format.h>
#include <mpi.h>

#include "core/base/error.hpp"

namespace ptychoflow::comm {

/// @param call  e.g. "MPI_Bcast"  @throws Error (other) unless `status` is MPI_SUCCESS
inline void check(int status, const char* call) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(status, text, &length);
  throw Error(ErrorCode::other, fmt::format("{} failed: {}", call, text));
}

}  // namespace ptychoflow::comm
