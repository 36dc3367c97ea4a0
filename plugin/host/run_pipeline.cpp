// The commands `run` and `check`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <new>

#include "core/io/atomic_file.hpp"
#include "plugin/host/commands.hpp"
#include "plugin/host/last_acts.hpp"
#include "plugin/host/paths.hpp"
#include "plugin/host/report.hpp"
#include "plugin/host/runner.hpp"
#include "plugin/host/signals.hpp"
#include "plugin/host/stream_check.hpp"
#include "plugin/host/versions.hpp"

namespace ptychoflow::host {
namespace {

constexpr int exit_interrupted = 130;

std::string text_of(const comm::Failure& failure) {
  return failure.origin.empty() ? failure.message : failure.origin + ": " + failure.message;
}

/// Whose failures these are, as in "ranks 0, 2 on node17 and 3 on node18".
std::string who_of(const std::vector<const comm::Failure*>& failures) {
  std::vector<std::pair<std::string, std::vector<int>>> hosts;
  for (const auto* failure : failures) {
    auto host = std::ranges::find(hosts, failure->host, &std::pair<std::string, std::vector<int>>::first);
    if (host == hosts.end()) host = hosts.insert(hosts.end(), {failure->host, {}});
    host->second.push_back(failure->rank);
  }
  std::vector<std::string> places;
  for (const auto& [host, ranks] : hosts) places.push_back(fmt::format("{} on {}", fmt::join(ranks, ", "), host));
  return fmt::format("rank{} {}", failures.size() > 1 ? "s" : "", fmt::join(places, " and "));
}

/// Each message once, with the ranks that brought it unless all did. Rank 0 speaks for all; one that was abandoned, for
/// itself.
void print(const comm::Verdict& verdict, const comm::Session& session, const Screen& screen) {
  if (verdict.abandoned) {
    const auto& failure = verdict.failures.front();
    const std::string who = session.rank() == 0 ? who_of({&failure}) + ": " : "";  // others are named by the screen
    return screen.log(PTYCHOFLOW_LOG_ERROR, who + text_of(failure));
  }
  if (session.rank() != 0) return;
  std::vector<std::pair<std::string, std::vector<const comm::Failure*>>> groups;
  for (const auto& failure : verdict.failures) {
    const std::string text = text_of(failure);
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == text; });
    if (group == groups.end()) group = groups.insert(groups.end(), {text, {}});
    group->second.push_back(&failure);
  }
  for (const auto& [text, failures] : groups) {
    const bool all = static_cast<int>(failures.size()) == session.size();
    screen.log(PTYCHOFLOW_LOG_ERROR, (all ? "" : who_of(failures) + ": ") + text);
  }
}

/// What flows: each stage with the tensors that it adds.
void print_streams(const Pipeline& pipeline, const std::vector<Json>& streams) {
  std::size_t width = 5;
  for (const auto& stage : pipeline.stages) width = std::max(width, stage.id.size());
  std::cout << pipeline.file << ": OK\n\n" << fmt::format("{:<{}}  adds\n", "stage", width);
  Json before = empty_stream()["tensors"];
  for (std::size_t i = 0; i < streams.size(); ++i) {
    std::string name = pipeline.stages[i].id;
    for (const auto& [tensor, description] : streams[i]["tensors"].items()) {
      if (before.value(tensor, Json()) == description) continue;
      std::string details = description.value("axes", "");
      if (const std::string unit = description.value("unit", ""); !unit.empty()) details += ", " + unit;
      std::cout << fmt::format("{:<{}}  {:<24} {:<28} {}\n", name, width, tensor, describe_tensor(description),
                               details);
      name.clear();
    }
    if (!name.empty()) std::cout << fmt::format("{:<{}}  -\n", name, width);
    before = streams[i]["tensors"];
  }
  std::cout << std::flush;
}

Json error_of(const comm::Verdict& verdict) {
  if (verdict.ok()) return nullptr;
  const auto& first = verdict.failures.front();
  return {{"message", first.message},
          {"stage", first.origin.empty() ? Json() : Json(first.origin)},
          {"rank", first.rank},
          {"code", static_cast<int>(first.code)}};
}

}  // namespace

int run_pipeline(const Command& command, comm::Session& session) {
  const auto start = std::chrono::steady_clock::now();
  const double memory_at_start = memory_use().resident;
  const bool root = session.rank() == 0;
  Json report = {{"versions", versions()},  {"command", command.line},   {"backend", command.backend},
                 {"ranks", session.size()}, {"host", comm::host_name()}, {"start_time", utc_now()}};

  Screen screen(command.verbosity, session.rank(), comm::host_name());
  HostSettings settings{.threads = command.threads > 0 ? command.threads : session.cores(),
                        .backend = command.backend,
                        .command = command.line};
  report["threads"] = settings.threads;
  if (const auto unwatched = session.watch(command.patience_s, last_acts(command, report));
      root && !unwatched.empty()) {
    screen.log(PTYCHOFLOW_LOG_WARNING,
               fmt::format("there is no way by TCP to rank 0 from rank {}: if one of them is lost, nobody will notice",
                           fmt::join(unwatched, ", ")));
  }

  std::optional<StageLibrary> library;
  Pipeline pipeline;
  std::unique_ptr<Runner> runner;
  comm::Verdict verdict;
  bool report_possible = false;
  const auto fail = [&](ErrorCode code, const char* message) {
    verdict = session.everyone().agree(comm::Failure{session.rank(), code, "", message});
  };
  try {
    if (root && !command.report.empty()) io::check_target(command.report, io::Overwrite::allow);
    report_possible = !command.report.empty();
    library.emplace(stage_folders());
    pipeline = load_pipeline(command.pipeline, command.overrides, *library);
    settings.pipeline = pipeline.resolved.dump();
    runner = std::make_unique<Runner>(pipeline, *library, settings, screen, session);
    verdict = runner->configure();
    if (verdict.ok() && command.verb == Command::Verb::run) verdict = runner->run();
  } catch (const Error& e) {
    fail(e.code(), e.what());
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::resource, "out of memory");
  } catch (const std::exception& e) {
    fail(ErrorCode::other, e.what());
  }
  screen.end_progress();
  print(verdict, session, screen);
  if (runner) runner->destroy();

  // Every rank has come to the same verdict, and they can speak to each other, unless this one was abandoned.
  const MemoryUse memory = memory_use();
  const auto gathered = [&](double mine) {
    return verdict.abandoned ? std::vector{mine} : session.everyone().gather(mine);
  };
  const auto stops = gathered(stop_requested() ? 1 : 0);
  const auto gathered_bytes = [&](double mine) {
    const auto all = gathered(mine);
    return std::vector<std::int64_t>(all.begin(), all.end());
  };
  report["memory_at_start_bytes"] = gathered_bytes(memory_at_start);
  report["memory_peak_bytes"] = gathered_bytes(memory.peak);
  const bool interrupted = std::any_of(stops.begin(), stops.end(), [](double stop) { return stop != 0; });
  const std::size_t skipped = runner ? runner->skipped_scans().size() : 0;
  int exit_code = !verdict.ok()  ? static_cast<int>(verdict.failures.front().code)
                  : interrupted  ? exit_interrupted
                  : skipped == 0 ? 0
                                 : static_cast<int>(ErrorCode::data);

  if (report_possible && (root || verdict.abandoned)) {
    report["status"] = !verdict.ok() ? "failed" : interrupted ? "interrupted" : skipped > 0 ? "incomplete" : "done";
    report["skipped_scans"] = runner ? runner->skipped_scans() : Json::array();
    report["error"] = error_of(verdict);
    report["pipeline"] = pipeline.resolved;
    report["stages"] = runner ? runner->figures() : Json::object();
    report["end_time"] = utc_now();
    report["wall_seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    try {
      write_report(command.report, report);
    } catch (const Error& e) {
      screen.log(PTYCHOFLOW_LOG_ERROR, e.what());
      if (exit_code == 0) exit_code = static_cast<int>(e.code());
    }
  }
  if (verdict.abandoned) session.abort(exit_code);
  if (root && skipped > 0) {
    std::vector<std::string> names;
    for (const Json& scan : runner->skipped_scans()) names.push_back(scan["scan"]);
    screen.log(PTYCHOFLOW_LOG_WARNING, fmt::format("skipped, for their data are bad: {}", fmt::join(names, ", ")));
  }
  if (verdict.ok() && interrupted)
    screen.log(PTYCHOFLOW_LOG_WARNING, "interrupted: what had been reached was passed on");
  if (root && verdict.ok() && command.verb == Command::Verb::check) print_streams(pipeline, runner->streams());
  return exit_code;
}

}  // namespace ptychoflow::host
