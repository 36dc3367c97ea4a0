#include "plugin/host/versions.hpp"

#include <fmt/format.h>

#include "core/base/version.hpp"
#include "core/comm/session.hpp"
#include "plugin/api/stage.h"

namespace ptychoflow::host {

Json versions() {
  return {{"ptychoflow", version},
          {"stage_interface", PTYCHOFLOW_ABI_VERSION},
          {"hdf5", PTYCHOFLOW_HDF5_VERSION},
          {"fftw", PTYCHOFLOW_FFTW_VERSION},
          {"mpi", comm::mpi_library_version()}};
}

std::string versions_text() {
  const Json all = versions();
  std::string text = fmt::format("ptychoflow {}\n", version);
  for (const auto& [name, value] : all.items()) {
    if (name != "ptychoflow")
      text += fmt::format("  {} {}\n", name, value.is_string() ? value.get<std::string>() : value.dump());
  }
  text.pop_back();
  return text;
}

}  // namespace ptychoflow::host
