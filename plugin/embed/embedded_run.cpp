#include "plugin/embed/embedded_run.hpp"

#include <exception>
#include <memory>
#include <new>

#include "plugin/host/pipeline.hpp"
#include "plugin/host/runner.hpp"
#include "plugin/host/signals.hpp"

namespace ptychoflow::embed {
namespace {

std::unique_ptr<comm::Session>& held_session() {
  static std::unique_ptr<comm::Session> one;
  return one;
}

Outcome drive(const Job& job, const host::StageLibrary& library, host::Screen& screen) {
  const host::Pipeline pipeline = job.text ? host::parse_pipeline(*job.text, job.name, job.variables, library)
                                           : host::load_pipeline(job.name, job.variables, library);
  const host::HostSettings settings{.threads = job.threads > 0 ? job.threads : session().cores(),
                                    .backend = job.backend,
                                    .command = job.command,
                                    .pipeline = pipeline.resolved.dump()};
  host::Runner runner(pipeline, library, settings, screen, session());
  Outcome outcome;
  outcome.verdict = runner.configure();
  if (outcome.verdict.ok()) outcome.streams = runner.streams();
  if (outcome.verdict.ok() && !job.check_only) outcome.verdict = runner.run();
  outcome.figures = runner.figures();
  outcome.skipped_scans = runner.skipped_scans();
  return outcome;
}

Outcome failed(ErrorCode code, const char* message) {
  return {.verdict = session().everyone().agree(comm::Failure{session().rank(), code, "", message})};
}

Outcome attempt(const Job& job, Exchange* exchange, host::Screen& screen) {
  try {
    host::request_stop(false);
    host::StageLibrary library(job.stage_folders);
    std::optional<Exchanging> exchanging;
    if (exchange) {
      exchanging.emplace(*exchange);
      library.add(arrays_stage());
      library.add(result_stage());
    }
    return drive(job, library, screen);
  } catch (const Error& e) {
    return failed(e.code(), e.what());
  } catch (const std::bad_alloc&) {
    return failed(ErrorCode::resource, "out of memory");
  } catch (const std::exception& e) {
    return failed(ErrorCode::other, e.what());
  }
}

/// What comes next starts anew. A rank that the others have left behind can only end them with itself.
void settle(const comm::Verdict& verdict, const host::Screen& screen) {
  if (verdict.abandoned) {
    const comm::Failure& failure = verdict.failures.front();
    screen.log(PTYCHOFLOW_LOG_ERROR, failure.message);
    session().abort(static_cast<int>(failure.code));
  }
  if (!verdict.ok()) session().everyone().forgive();
}

}  // namespace

comm::Session& session() {
  if (!has_session()) held_session() = std::make_unique<comm::Session>();
  return *held_session();
}

bool has_session() { return held_session() != nullptr; }

void end_session() { held_session().reset(); }

Outcome run(const Job& job, Exchange* exchange, const host::Screen::Observer& observer) {
  const auto& everyone = session().everyone();
  host::Screen screen(job.quiet ? host::Verbosity::quiet : host::Verbosity::normal, everyone.rank(), comm::host_name());
  screen.observe(observer);
  Outcome outcome = attempt(job, exchange, screen);
  screen.end_progress();
  settle(outcome.verdict, screen);
  return outcome;
}

}  // namespace ptychoflow::embed
