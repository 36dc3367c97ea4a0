#include "core/comm/session.hpp"

#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <thread>

#include "core/comm/activity.hpp"

namespace ptychoflow::comm {
namespace {

using Clock = std::chrono::steady_clock;
std::chrono::seconds of_a_failed_rank(Patience patience) {
  return std::chrono::seconds(patience == Patience::seconds ? 3 : 600);
}
constexpr std::size_t longest_message = 8192;  // of each rank; the rest is cut
std::atomic<const Watch*> watch_of_this_process{nullptr};

void check(int status, const char* call) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(status, text, &length);
  throw Error(ErrorCode::other, std::string(call) + " failed: " + text);
}

bool started_by_a_launcher() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK", "MV2_COMM_WORLD_SIZE"}) {
    if (std::getenv(name)) return true;
  }
  return false;
}

/// 1 for each core that this process may run on.
std::vector<int> allowed_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof(mask), &mask) != 0) CPU_SET(0, &mask);
  std::vector<int> allowed(CPU_SETSIZE);
  for (int core = 0; core < CPU_SETSIZE; ++core) allowed[core] = CPU_ISSET(core, &mask) ? 1 : 0;
  return allowed;
}

/// False if the deadline passes first. Sleeps between tests, so that a waiting rank leaves its core to others.
bool completes(MPI_Request& request, const std::optional<Clock::time_point>& deadline) {
  for (int attempt = 0;; ++attempt) {
    int done = 0;
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done) return true;
    if (deadline && Clock::now() > *deadline) return false;
    if (attempt < 500) {
      sched_yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(std::min(attempt, 1000)));
    }
  }
}

}  // namespace

struct Session::Mpi {
  MPI_Comm world = MPI_COMM_NULL;  // private: nobody else's message can be taken for ours
  int rank = 0;
  int size = 1;
  int cores = 1;

  Mpi() {
    int provided = 0;
    if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) {
      throw Error(ErrorCode::resource, "MPI does not start: MPI_Init_thread failed");
    }
    check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    if (provided < MPI_THREAD_FUNNELED) {
      throw Error(ErrorCode::resource,
                  "this MPI library does not allow threads: use one built with MPI_THREAD_FUNNELED");
    }
    world = duplicate_of(MPI_COMM_WORLD);
    check(MPI_Comm_rank(world, &rank), "MPI_Comm_rank");
    check(MPI_Comm_size(world, &size), "MPI_Comm_size");
    MPI_Comm host = MPI_COMM_NULL;
    check(MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host), "MPI_Comm_split_type");
    const std::vector<int> mine = allowed_cores();
    std::vector<int> users(mine.size());
    check(MPI_Allreduce(mine.data(), users.data(), CPU_SETSIZE, MPI_INT, MPI_SUM, host), "MPI_Allreduce");
    check(MPI_Comm_free(&host), "MPI_Comm_free");
    double share = 0;
    for (std::size_t core = 0; core < mine.size(); ++core) share += mine[core] ? 1.0 / users[core] : 0.0;
    cores = std::max(1, static_cast<int>(share + 1e-6));  // 1/3 + 1/3 + 1/3 is one core
  }

  static MPI_Comm duplicate_of(MPI_Comm from) {
    MPI_Comm copy = MPI_COMM_NULL;
    check(MPI_Comm_dup(from, &copy), "MPI_Comm_dup");
    check(MPI_Comm_set_errhandler(copy, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    return copy;
  }

  Verdict agree(const std::optional<Failure>& mine, Patience patience) const {
    const Waiting waiting;
    static int failed, failures;  // the request below may outlive this call
    failed = mine ? 1 : 0;
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Iallreduce(&failed, &failures, 1, MPI_INT, MPI_SUM, world, &request), "MPI_Iallreduce");
    std::optional<Clock::time_point> deadline;
    if (mine) deadline = Clock::now() + of_a_failed_rank(patience);
    if (!completes(request, deadline)) {
      Verdict alone{{*mine}, true};  // the request stays open: the caller's next and last MPI call is abort
      alone.failures.front().rank = rank;
      alone.failures.front().host = host_name();
      return alone;
    }
    return failures == 0 ? Verdict{} : Verdict{exchange(mine), false};
  }

  /// Everyone is here: who failed, and why.
  std::vector<Failure> exchange(const std::optional<Failure>& mine) const {
    std::string text;
    if (mine) text = host_name() + '\0' + mine->origin + '\0' + mine->message.substr(0, longest_message);
    const int header[2] = {mine ? static_cast<int>(mine->code) : 0, static_cast<int>(text.size())};
    std::vector<int> headers(2 * static_cast<std::size_t>(size));
    check(MPI_Allgather(header, 2, MPI_INT, headers.data(), 2, MPI_INT, world), "MPI_Allgather");

    std::vector<int> lengths, starts{0};
    for (int r = 0; r < size; ++r) {
      lengths.push_back(headers[2 * r + 1]);
      starts.push_back(starts.back() + lengths.back());
    }
    std::string all(static_cast<std::size_t>(starts.back()), '\0');
    check(MPI_Allgatherv(text.data(), header[1], MPI_CHAR, all.data(), lengths.data(), starts.data(), MPI_CHAR, world),
          "MPI_Allgatherv");

    std::vector<Failure> failures;
    for (int r = 0; r < size; ++r) {
      if (headers[2 * r] == 0) continue;
      const std::string part = all.substr(starts[r], lengths[r]);
      const auto host_end = part.find('\0'), origin_end = part.find('\0', host_end + 1);
      failures.push_back({r, static_cast<ErrorCode>(headers[2 * r]),
                          part.substr(host_end + 1, origin_end - host_end - 1), part.substr(origin_end + 1),
                          part.substr(0, host_end)});
    }
    return failures;
  }
};

Session::Session() : mpi_(started_by_a_launcher() ? std::make_unique<Mpi>() : nullptr) {}

Session::~Session() {
  // A failed return leaves nothing to be done about it: the process is at its end.
  const Doing doing("MPI_Finalize");
  if (mpi_) MPI_Comm_free(&mpi_->world);
  if (mpi_) MPI_Finalize();
  watch_of_this_process = nullptr;  // last of all: MPI_Finalize waits for others, too
}

int Session::rank() const { return mpi_ ? mpi_->rank : 0; }
int Session::size() const { return mpi_ ? mpi_->size : 1; }
int Session::cores() const {
  if (mpi_) return mpi_->cores;
  const std::vector<int> allowed = allowed_cores();
  return std::accumulate(allowed.begin(), allowed.end(), 0);
}

Verdict Session::agree(const std::optional<Failure>& mine, Patience patience) {
  if (!verdict_.ok()) return verdict_;
  if (mpi_) {
    verdict_ = mpi_->agree(mine, patience);
  } else if (mine) {
    verdict_.failures.push_back(*mine);
  }
  return verdict_;
}

std::vector<double> Session::gather(double mine) const {
  if (!mpi_) return {mine};
  const Waiting waiting;
  std::vector<double> all(static_cast<std::size_t>(mpi_->size));
  check(MPI_Allgather(&mine, 1, MPI_DOUBLE, all.data(), 1, MPI_DOUBLE, mpi_->world), "MPI_Allgather");
  return all;
}

std::shared_ptr<void> Session::duplicate() const {
  if (!mpi_) return nullptr;
  const Waiting waiting;
  return {new MPI_Comm(Mpi::duplicate_of(mpi_->world)), [this](void* address) {
            auto* communicator = static_cast<MPI_Comm*>(address);
            // Freeing is collective, and after a failure the others may be anywhere.
            if (verdict_.ok()) MPI_Comm_free(communicator);
            delete communicator;
          }};
}

std::vector<int> Session::watch(double patience_s, LastActs acts) {
  if (size() == 1 || patience_s <= 0 || watch_) return {};
  watch_ = std::make_unique<Watch>(Communicator(&mpi_->world), patience_s, std::move(acts));
  watch_of_this_process = watch_.get();
  return watch_->unwatched();
}

void end_other_ranks(int exit_code) noexcept {
  if (const Watch* watch = watch_of_this_process) watch->end_others(exit_code);
}

void Session::abort(int exit_code) const {
  end_other_ranks(exit_code);
  if (mpi_) MPI_Abort(mpi_->world, exit_code);
  std::_Exit(exit_code);
}

std::string mpi_library_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  check(MPI_Get_library_version(text, &length), "MPI_Get_library_version");
  const std::string whole(text, static_cast<std::size_t>(length));
  return whole.substr(0, whole.find_first_of(",\n"));
}

}  // namespace ptychoflow::comm
