// What the host offers a stage: the functions behind `ptychoflow_host`, one set for each stage of the pipeline.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "plugin/api/stage.h"
#include "plugin/host/pipeline.hpp"
#include "plugin/host/progress.hpp"

namespace ptychoflow::host {

/// What is the same for all stages of a run.
struct HostSettings {
  int rank = 0;
  int rank_count = 1;
  int threads = 1;
  std::string backend = "auto";
  std::string command;     ///< the command line, for the record
  std::string pipeline{};  ///< resolved, as JSON, for the record
};

class HostServices {
 public:
  using Emit = std::function<ptychoflow_status(ptychoflow_packet*)>;
  using Agree = std::function<ptychoflow_status()>;

  /// `settings` and `screen` must outlive it. `communicator`: an MPI_Comm's address, or null.
  HostServices(std::string stage_id, const HostSettings& settings, Screen& screen, std::shared_ptr<void> communicator,
               Emit emit, Agree agree);
  HostServices(const HostServices&) = delete;
  HostServices& operator=(const HostServices&) = delete;

  const ptychoflow_host* table() const { return &table_; }

  /// The figures that the stage has reported so far.
  const Json& reported() const { return reported_; }

 private:
  static HostServices& of(const ptychoflow_host* host) { return *static_cast<HostServices*>(host->context); }

  std::string stage_id_;
  Screen& screen_;
  std::shared_ptr<void> communicator_;
  Emit emit_;
  Agree agree_;
  Json reported_ = Json::object();
  ptychoflow_host table_{};
};

}  // namespace ptychoflow::host
