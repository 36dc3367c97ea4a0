// Runs the real program, alone or under mpirun, and keeps what it said.
#pragma once

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace ptychoflow::test {

/// A folder that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ptychoflow-test-XXXXXX").string();
    if (!mkdtemp(pattern.data())) std::abort();
    path_ = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

  /// Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(*this / name) << text;
    return *this / name;
  }

 private:
  std::filesystem::path path_;
};

inline std::string read_text(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

struct Launch {
  std::vector<std::string> command{};                ///< program and arguments
  std::map<std::string, std::string> environment{};  ///< on top of the test's own
  int ranks = 0;                                     ///< 0: without mpirun
  std::function<void(pid_t, const std::string& err)>
      meanwhile{};  ///< runs beside the program; `err`: file of its stderr
  double limit_s = 60;
  bool terminal = false;  ///< stderr is a terminal of 80 columns
};

struct Ended {
  int exit_code = 0;  ///< 128 + signal if one ended it; -1 if it had to be killed at the limit
  std::string out;
  std::string err;
  double seconds = 0;

  bool says(const std::string& text) const { return err.find(text) != std::string::npos; }
};

/// Waits for `file` to contain `text`; false after `limit_s`.
inline bool wait_for_text(const std::string& file, const std::string& text, double limit_s = 30) {
  for (int i = 0; i < limit_s * 100; ++i) {
    if (read_text(file).find(text) != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

inline Ended launch(Launch what) {
  if (what.ranks > 0) {
    what.command.insert(what.command.begin(), {MPIRUN, "--oversubscribe", "-n", std::to_string(what.ranks)});
    what.environment.merge(std::map<std::string, std::string>{{"OMPI_ALLOW_RUN_AS_ROOT", "1"},
                                                              {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
                                                              {"HWLOC_COMPONENTS", "-opencl"},  // see docs/HOSTS.md
                                                              {"ASAN_OPTIONS", "detect_leaks=0"}});  // MPI's own
  }
  const TemporaryFolder folder;
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  int keyboard = -1, screen = -1;
  winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  if (what.terminal && openpty(&keyboard, &screen, nullptr, nullptr, &size) != 0) std::abort();
  const pid_t child = fork();
  if (child == 0) {
    for (const auto& [name, value] : what.environment) setenv(name.c_str(), value.c_str(), 1);
    const int flags = O_CREAT | O_WRONLY | O_APPEND;
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(open((folder / "out").c_str(), flags, 0600), STDOUT_FILENO);
    dup2(what.terminal ? screen : open((folder / "err").c_str(), flags, 0600), STDERR_FILENO);
    std::vector<char*> arguments;
    for (auto& word : what.command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  std::string shown;
  std::thread reader;
  if (what.terminal) {
    close(screen);
    reader = std::thread([&] {  // ends when the program's side is closed
      char block[4096];
      for (ssize_t n; (n = read(keyboard, block, sizeof(block))) > 0;) shown.append(block, static_cast<std::size_t>(n));
    });
  }
  if (what.meanwhile) what.meanwhile(child, folder / "err");
  int status = 0;
  bool killed = false;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (!killed && elapsed() > what.limit_s) killed = kill(child, SIGKILL) == 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (reader.joinable()) reader.join();
  if (what.terminal) close(keyboard);
  const int exit_code = killed ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {exit_code, read_text(folder / "out"), what.terminal ? shown : read_text(folder / "err"), elapsed()};
}

}  // namespace ptychoflow::test
