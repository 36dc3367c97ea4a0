// The command `watch`.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "core/base/error.hpp"
#include "plugin/host/commands.hpp"
#include "plugin/host/paths.hpp"
#include "plugin/host/pipeline.hpp"
#include "plugin/host/signals.hpp"
#include "plugin/host/stage_library.hpp"
#include "plugin/host/watch/watcher.hpp"

namespace ptychoflow::host {
namespace {

const char* name_of(ScanState state) {
  switch (state) {
    case ScanState::running:
      return "running";
    case ScanState::waiting:
      return "waiting";
    case ScanState::done:
      return "done";
    case ScanState::failed:
      return "failed";
  }
  return "";
}

/// How things stand, whether a watch is at work or not.
void show_status(const Command& command) {
  const WatchPaths paths = WatchPaths::of(command);
  if (!std::filesystem::exists(paths.journal())) {
    throw Error(ErrorCode::usage, paths.journal().string() +
                                      ": there is no such file: no watch has run here, or it was "
                                      "given another --state");
  }
  const Journal::Scans scans = Journal::read(paths.journal());
  std::cout << fmt::format("{:<8} {:>8} {:>9}  {}\n", "state", "attempts", "seconds", "scan");
  for (const ScanState state : {ScanState::done, ScanState::running, ScanState::waiting, ScanState::failed}) {
    for (const auto& [scan, record] : scans) {
      if (record.state != state) continue;
      std::cout << fmt::format("{:<8} {:>8} {:>9.1f}  {}\n", name_of(state), record.attempts, record.seconds, scan);
      if (!record.message.empty() && state != ScanState::done) std::cout << "    " << record.message << '\n';
    }
  }
  for (const ScanState state : {ScanState::done, ScanState::running, ScanState::waiting, ScanState::failed}) {
    const auto count =
        std::count_if(scans.begin(), scans.end(), [&](const auto& scan) { return scan.second.state == state; });
    std::cout << fmt::format("{}{} {}", state == ScanState::done ? "" : ", ", count, name_of(state));
  }
  std::cout << std::endl;
}

/// A wrong pipeline must not cost a night of scans. @throws Error (usage) with all its faults
void check_pipeline(const Command& command) {
  auto overrides = command.overrides;
  if (overrides.contains(command.watch.variable)) {
    throw Error(ErrorCode::usage, fmt::format("--set {0}: each scan's file is put into {0}: leave it out, or give "
                                              "--variable another one",
                                              command.watch.variable));
  }
  overrides[command.watch.variable] = "scan.cxi";  // any name: files are not opened
  const StageLibrary library(stage_folders());
  static_cast<void>(load_pipeline(command.pipeline, overrides, library));
}

}  // namespace

int watch(const Command& command, int cores) {
  if (command.watch.status) {
    show_status(command);
    return 0;
  }
  check_pipeline(command);
  say_when_stopped("stopping: runs are ended without a result, and taken again by the next watch");
  const Screen screen(command.verbosity, 0, "");
  return Watcher(command, screen, cores).run();
}

}  // namespace ptychoflow::host
