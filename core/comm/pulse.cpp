#include "core/comm/pulse.hpp"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace ptychoflow::comm {
namespace {

constexpr double busy_share = 0.1;  // of a core; threads of libraries that only look around use less

double seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

std::string main_thread_file(const char* name) { return "/proc/self/task/" + std::to_string(getpid()) + "/" + name; }

/// How often the main thread has been scheduled; -1 if the kernel does not count.
long long slices() {
  std::ifstream file(main_thread_file("schedstat"));
  long long ran_ns = 0, waited_ns = 0, count = 0;
  return file >> ran_ns >> waited_ns >> count ? count : -1;
}

/// In uninterruptible sleep, or in a call that file systems of some kinds do not answer for minutes when their server
/// changes or a tape is fetched.
bool waits_for_file() {
  std::ifstream stat(main_thread_file("stat"));
  stat.ignore(std::numeric_limits<std::streamsize>::max(), ')');  // after the name
  char state = 0;
  if (stat >> state && state == 'D') return true;
  std::ifstream call(main_thread_file("syscall"));
  constexpr long of_files[] = {SYS_read,  SYS_pread64, SYS_write,     SYS_pwrite64, SYS_openat,
                               SYS_close, SYS_fsync,   SYS_fdatasync, SYS_ftruncate};
  long number = -1;
  return call >> number && std::ranges::find(of_files, number) != std::end(of_files);
}

}  // namespace

void Pulse::take() {
  const double now_s = seconds(CLOCK_MONOTONIC);
  const double cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID) - seconds(CLOCK_THREAD_CPUTIME_ID);
  const long long count = slices();
  const double elapsed_s = now_s - taken_s_;
  const bool lives = count < 0 || count != slices_ || cpu_s - cpu_s_ > busy_share * elapsed_s;
  stalled_s_ = lives ? 0 : stalled_s_ + elapsed_s;
  on_file_ = !lives && waits_for_file();
  taken_s_ = now_s;
  cpu_s_ = cpu_s;
  slices_ = count;
}

}  // namespace ptychoflow::comm
