#include "plugin/host/host_services.hpp"

#include <fmt/format.h>

#include "core/comm/activity.hpp"
#include "plugin/host/signals.hpp"

namespace ptychoflow::host {
namespace {

/// No exception may reach the stage, which may be C.
template <class F>
void quietly(F&& body) noexcept {
  try {
    body();
  } catch (...) {  // out of memory while writing a log line, at worst: not worth the run
  }
}

}  // namespace

HostServices::HostServices(std::string stage_id, const HostSettings& settings, Screen& screen,
                           const ptychoflow_groups& groups, Emit emit, Agree agree)
    : stage_id_(std::move(stage_id)),
      screen_(screen),
      groups_(groups),
      emit_(std::move(emit)),
      agree_(std::move(agree)) {
  table_ = {
      .struct_size = sizeof(table_),
      .abi_version = PTYCHOFLOW_ABI_VERSION,
      .context = this,
      .rank = 0,
      .rank_count = 1,
      .threads = settings.threads,
      .backend = settings.backend.c_str(),
      .command = settings.command.c_str(),
      .pipeline = settings.pipeline.c_str(),
      .emit = [](const ptychoflow_host* host, ptychoflow_packet* packet) { return of(host).emit_(packet); },
      .log =
          [](const ptychoflow_host* host, ptychoflow_log_level level, const char* text) {
            quietly([&] { of(host).screen_.log(level, of(host).stage_id_ + ": " + (text ? text : "")); });
          },
      .progress =
          [](const ptychoflow_host* host, const ptychoflow_progress* progress) {
            if (!progress) return;
            quietly([&] {
              comm::Doing::at(fmt::format("{} of {}", progress->done, progress->total));
              of(host).screen_.progress(of(host).stage_id_, *progress);
            });
          },
      .should_stop = [](const ptychoflow_host*) { return stop_requested() ? 1 : 0; },
      .report =
          [](const ptychoflow_host* host, const char* text) {
            quietly([&] {
              const Json figures = Json::parse(text ? text : "", nullptr, false);
              if (figures.is_object()) {
                of(host).reported_.update(figures, true);
              } else {
                of(host).screen_.log(PTYCHOFLOW_LOG_WARNING,
                                     of(host).stage_id_ + ": its report is not a JSON object and is left out");
              }
            });
          },
      .agree = [](const ptychoflow_host* host) { return of(host).agree_(); },
      .mpi_communicator = [](const ptychoflow_host* host) { return of(host).communicator_.get(); },
      .extension = [](const ptychoflow_host* host, const char* id) { return of(host).extension(id ? id : ""); },
  };
}

const void* HostServices::extension(std::string_view id) {
  static const ptychoflow_ahead ahead{
      .struct_size = sizeof(ahead),
      .send = [](const ptychoflow_host* host, ptychoflow_packet* packet) { of(host).send_ahead_(packet); }};
  if (id == PTYCHOFLOW_AHEAD && send_ahead_) return &ahead;
  if (id != PTYCHOFLOW_GROUPS) return nullptr;
  asked_for_group_ = true;
  return &groups_;
}

void HostServices::add_figures_of_group(const Json& theirs) {
  for (const auto& [key, value] : theirs.items()) {
    Json& mine = reported_[key];
    if (mine.is_array() && value.is_array()) {
      mine.insert(mine.end(), value.begin(), value.end());
    } else if (mine.is_object() && value.is_object()) {
      mine.update(value, true);
    } else if (mine.is_null()) {
      mine = value;
    }
  }
}

void HostServices::work_with(const comm::Team& team) {
  communicator_ = team.duplicate();
  table_.rank = team.rank();
  table_.rank_count = team.size();
}

}  // namespace ptychoflow::host
