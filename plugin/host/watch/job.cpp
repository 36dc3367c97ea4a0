#include "plugin/host/watch/job.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/base/error.hpp"

namespace ptychoflow::host {
namespace {

/// In the new process. Only what is safe after a fork.
[[noreturn]] void become(char* const* words, int log, int parent) {
  ::setpgid(0, 0);  // Ctrl-C at the terminal is the watcher's to pass on
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(EXIT_FAILURE);  // it died before it could be said
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  for (const int number : {SIGINT, SIGTERM, SIGUSR1, SIGPIPE}) ::signal(number, SIG_DFL);
  ::execvp(words[0], words);
  constexpr char text[] = "this program cannot be started: ";
  static_cast<void>(!::write(log, text, sizeof(text) - 1));
  static_cast<void>(!::write(log, words[0], std::strlen(words[0])));
  static_cast<void>(!::write(log, "\n", 1));
  ::_exit(127);
}

}  // namespace

Job::Job(const std::vector<std::string>& command, const std::filesystem::path& log) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) {
    throw Error(ErrorCode::resource, fmt::format("{}: cannot be written: {}", log.string(), std::strerror(errno)));
  }
  const int self = ::getpid(), child = ::fork();
  if (child == 0) become(words.data(), file, self);
  const int fault = errno;
  ::close(file);
  if (child < 0) throw Error(ErrorCode::resource, fmt::format("no process can be started: {}", std::strerror(fault)));
  process_ = ProcessMark::of(child);
  process_.pid = child;
}

Job::~Job() {
  if (ended()) return;
  ::kill(process_.pid, SIGKILL);
  ::waitpid(process_.pid, nullptr, 0);
}

std::optional<JobEnd> Job::ended() {
  int status = 0;
  if (end_ || ::waitpid(process_.pid, &status, WNOHANG) != process_.pid) return end_;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start_;
  end_ = JobEnd{WIFEXITED(status) ? WEXITSTATUS(status) : 0, WIFSIGNALED(status) ? WTERMSIG(status) : 0, took.count()};
  return end_;
}

void Job::ask_to_end() const { ::kill(process_.pid, SIGTERM); }

void Job::end_by_force() const { ::kill(-process_.pid, SIGKILL); }

}  // namespace ptychoflow::host
