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
                           std::shared_ptr<void> communicator, Emit emit, Agree agree)
    : stage_id_(std::move(stage_id)),
      screen_(screen),
      communicator_(std::move(communicator)),
      emit_(std::move(emit)),
      agree_(std::move(agree)) {
  table_ = {
      .struct_size = sizeof(table_),
      .abi_version = PTYCHOFLOW_ABI_VERSION,
      .context = this,
      .rank = settings.rank,
      .rank_count = settings.rank_count,
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
                of(host).reported_.update(figures);
              } else {
                of(host).screen_.log(PTYCHOFLOW_LOG_WARNING,
                                     of(host).stage_id_ + ": its report is not a JSON object and is left out");
              }
            });
          },
      .agree = [](const ptychoflow_host* host) { return of(host).agree_(); },
      .mpi_communicator = [](const ptychoflow_host* host) { return of(host).communicator_.get(); },
      .extension = [](const ptychoflow_host*, const char*) -> const void* { return nullptr; },
  };
}

}  // namespace ptychoflow::host
