// What the host offers a stage: the functions behind `ptychoflow_host`, one set for each stage of the pipeline.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/comm/team.hpp"
#include "plugin/api/stage.h"
#include "plugin/host/pipeline.hpp"
#include "plugin/host/progress.hpp"

namespace ptychoflow::host {

/// What is the same for all stages of a run.
struct HostSettings {
  int threads = 1;
  std::string backend = "auto";
  std::string command;     ///< the command line, for the record
  std::string pipeline{};  ///< resolved, as JSON, for the record
};

class HostServices {
 public:
  using Emit = std::function<ptychoflow_status(ptychoflow_packet*)>;
  using Agree = std::function<ptychoflow_status()>;
  using SendAhead = std::function<void(ptychoflow_packet*)>;

  /// `settings` and `screen` must outlive it.
  HostServices(std::string stage_id, const HostSettings& settings, Screen& screen, const ptychoflow_groups& groups,
               Emit emit, Agree agree);
  HostServices(const HostServices&) = delete;
  HostServices& operator=(const HostServices&) = delete;

  const ptychoflow_host* table() const { return &table_; }

  /// From now on these are the stage's ranks. Collective. `team` must outlive this object.
  void work_with(const comm::Team& team);

  /// From now on the stage may send packets of its next scan ahead, from any thread.
  void allow_ahead(SendAhead send) { send_ahead_ = std::move(send); }

  /// Whether the stage has asked which scans are its group's.
  bool asked_for_group() const { return asked_for_group_; }

  /// The figures that the stage has reported so far.
  const Json& reported() const { return reported_; }

  /// Adds what another group reported of its scans: lists are joined.
  void add_figures_of_group(const Json& theirs);

 private:
  const void* extension(std::string_view id);
  static HostServices& of(const ptychoflow_host* host) { return *static_cast<HostServices*>(host->context); }

  std::string stage_id_;
  Screen& screen_;
  ptychoflow_groups groups_;
  bool asked_for_group_ = false;
  std::shared_ptr<void> communicator_;
  Emit emit_;
  Agree agree_;
  SendAhead send_ahead_;  ///< empty: there is nobody to send to
  Json reported_ = Json::object();
  ptychoflow_host table_{};
};

}  // namespace ptychoflow::host
