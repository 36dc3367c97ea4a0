#include "core/comm/session.hpp"

#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <numeric>

#include "core/comm/activity.hpp"
#include "core/comm/mpi_check.hpp"
#include "core/comm/node_place.hpp"

namespace ptychoflow::comm {
namespace {

std::atomic<const Watch*> watch_of_this_process{nullptr};

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

}  // namespace

struct Session::Mpi {
  int cores = 1;
  bool is_ours = true;  ///< not the program's in which we are a guest

  Mpi() {
    int provided = 0, started = 0;
    MPI_Initialized(&started);
    is_ours = started == 0;
    if (started) {
      check(MPI_Query_thread(&provided), "MPI_Query_thread");
    } else if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) {
      throw Error(ErrorCode::resource, "MPI does not start: MPI_Init_thread failed");
    }
    check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    if (provided < MPI_THREAD_FUNNELED) {
      throw Error(ErrorCode::resource,
                  "this MPI library does not allow threads: use one built with MPI_THREAD_FUNNELED");
    }
    MPI_Comm node = MPI_COMM_NULL;
    check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node), "MPI_Comm_split_type");
    NodePlace place;
    MPI_Comm_rank(node, &place.rank);
    MPI_Comm_size(node, &place.size);
    set_place_on_node(place);
    const std::vector<int> mine = allowed_cores();
    std::vector<int> users(mine.size());
    check(MPI_Allreduce(mine.data(), users.data(), CPU_SETSIZE, MPI_INT, MPI_SUM, node), "MPI_Allreduce");
    check(MPI_Comm_free(&node), "MPI_Comm_free");
    double share = 0;
    for (std::size_t core = 0; core < mine.size(); ++core) share += mine[core] ? 1.0 / users[core] : 0.0;
    cores = std::max(1, static_cast<int>(share + 1e-6));  // 1/3 + 1/3 + 1/3 is one core
  }
};

Session::Session() : mpi_(started_by_a_launcher() ? std::make_unique<Mpi>() : nullptr) {
  const MPI_Comm world = MPI_COMM_WORLD;
  everyone_ = std::make_unique<Team>(mpi_ ? &world : nullptr);
}

Session::~Session() {
  // A failed return leaves nothing to be done about it: the process is at its end.
  const Doing doing("MPI_Finalize");
  everyone_.reset();
  if (mpi_ && mpi_->is_ours) MPI_Finalize();
  watch_of_this_process = nullptr;  // last of all: MPI_Finalize waits for others, too
}

int Session::cores() const {
  if (mpi_) return mpi_->cores;
  const std::vector<int> allowed = allowed_cores();
  return std::accumulate(allowed.begin(), allowed.end(), 0);
}

std::vector<int> Session::watch(double patience_s, LastActs acts) {
  if (size() == 1 || patience_s <= 0 || watch_) return {};
  watch_ = std::make_unique<Watch>(Communicator(everyone_->mpi_communicator()), patience_s, std::move(acts));
  watch_of_this_process = watch_.get();
  return watch_->unwatched();
}

void end_other_ranks(int exit_code) noexcept {
  if (const Watch* watch = watch_of_this_process) watch->end_others(exit_code);
}

void Session::abort(int exit_code) const {
  end_other_ranks(exit_code);
  if (mpi_) MPI_Abort(MPI_COMM_WORLD, exit_code);
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
