#include "plugin/host/signals.hpp"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "core/comm/session.hpp"
#include "core/io/atomic_file.hpp"

namespace ptychoflow::host {
namespace {

std::atomic<const StageCall*> innermost_call{nullptr};
std::atomic<bool> stop{false};
std::atomic<bool> interrupted{false};
std::atomic<bool> at_once{false};
std::atomic<const char*> stop_text{"stopping: the present iteration ends, and what has been reached is passed on"};
std::atomic<std::int64_t> terminated_ms{0};  // when SIGTERM came first; 0: it did not
int own_rank = 0;
int rank_total = 1;
char own_host[256] = "";
char alternate_stack[65536];  // so that an overflown stack can still be reported
static_assert(std::atomic<const StageCall*>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

// Handlers may only use what POSIX calls async-signal-safe: no formatting library, no allocation.
void say(const char* text) {
  const ssize_t written = write(STDERR_FILENO, text, strlen(text));
  static_cast<void>(written);  // nothing else could be done
}

void say_number(int number) {
  char digits[12];
  char* at = digits + sizeof(digits);
  *--at = '\0';
  do *--at = static_cast<char>('0' + number % 10);
  while (number /= 10);
  say(at);
}

const char* crash_name(int signal_number) {
  switch (signal_number) {
    case SIGSEGV:
      return "segmentation fault";
    case SIGBUS:
      return "bus error";
    case SIGFPE:
      return "arithmetic exception";
    case SIGILL:
      return "illegal instruction";
    default:
      return "aborted";
  }
}

std::int64_t clock_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void on_stop(int signal_number) {
  if (signal_number == SIGTERM && terminated_ms == 0) terminated_ms = clock_ms();
  const bool insists = signal_number == SIGINT && interrupted.exchange(true);
  if (at_once && !insists && io::has_lasting_file()) return;  // too late for nothing: whole, then
  if (at_once || insists) {
    io::remove_unfinished();
    _exit(128 + SIGINT);
  }
  // Under MPI, SIGTERM also comes when another rank has ended the run: nothing to tell the user.
  if (!stop.exchange(true) && own_rank == 0 && (rank_total == 1 || signal_number != SIGTERM)) {
    say("\n");
    say(stop_text);
    say(signal_number == SIGINT ? " (interrupt again to end at once)\n" : "\n");
  }
}

void handle(int signal_number, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  sigaction(signal_number, &action, nullptr);
}

}  // namespace

void on_crash(int signal_number) {
  say("\n[error] ");
  if (rank_total > 1) {
    say("rank ");
    say_number(own_rank);
    say(" on ");
    say(own_host);
    say(": ");
  }
  if (const StageCall* call = innermost_call.load()) {
    say("stage '");
    say(call->stage_);
    say("' (");
    say(call->file_);
    say(") crashed in ");
    say(call->callback_);
  } else {
    say("ptychoflow crashed");
  }
  say(": ");
  say(crash_name(signal_number));
  say("\n");
  comm::end_other_ranks(EXIT_FAILURE);
  io::remove_unfinished();
  _exit(EXIT_FAILURE);
}

void install_signal_handlers(int rank, int rank_count, const std::string& host) {
  own_rank = rank;
  rank_total = rank_count;
  host.copy(own_host, sizeof own_host - 1);
  stack_t stack{};
  stack.ss_sp = alternate_stack;
  stack.ss_size = sizeof(alternate_stack);
  sigaltstack(&stack, nullptr);
  for (int signal_number : {SIGINT, SIGTERM, SIGUSR1}) handle(signal_number, on_stop, SA_RESTART);
  for (int signal_number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) handle(signal_number, on_crash, SA_ONSTACK);
}

void end_at_once_when_stopped() {
  at_once = true;
  if (stop) _exit(128 + SIGINT);  // it was asked to before it could know
}

void say_when_stopped(const char* text) { stop_text = text; }

bool terminating() { return terminated_ms != 0 && clock_ms() - terminated_ms >= 500; }

bool stop_requested() { return stop.load(std::memory_order_relaxed); }

void request_stop(bool wish) { stop = wish; }

StageCall::StageCall(const char* stage, const char* file, const char* callback)
    : stage_(stage),
      file_(file),
      callback_(callback),
      outer_(innermost_call.load()),
      doing_(std::string(stage) + " (" + callback + ")") {
  innermost_call.store(this);
}

StageCall::~StageCall() { innermost_call.store(outer_); }

}  // namespace ptychoflow::host
