#include "core/comm/team.hpp"

#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/comm/activity.hpp"
#include "core/comm/mpi_check.hpp"
#include "core/comm/watch.hpp"

namespace ptychoflow::comm {
namespace {

using Clock = std::chrono::steady_clock;
std::chrono::seconds of_a_failed_rank(Patience patience) {
  return std::chrono::seconds(patience == Patience::seconds ? 3 : 600);
}
constexpr std::size_t longest_message = 8192;  // of each rank; the rest is cut

MPI_Comm duplicate_of(MPI_Comm from) {
  MPI_Comm copy = MPI_COMM_NULL;
  check(MPI_Comm_dup(from, &copy), "MPI_Comm_dup");
  check(MPI_Comm_set_errhandler(copy, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  return copy;
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

struct Team::Mpi {
  MPI_Comm own;  // private: nobody else's message can be taken for ours
};

Team::Team(const void* mpi_comm) {
  if (!mpi_comm) return;
  mpi_ = std::make_unique<Mpi>(Mpi{duplicate_of(*static_cast<const MPI_Comm*>(mpi_comm))});
  check(MPI_Comm_rank(mpi_->own, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(mpi_->own, &size_), "MPI_Comm_size");
}

Team::~Team() {
  // Freeing is collective, and after a failure the others may be anywhere.
  if (mpi_ && verdict_.ok()) MPI_Comm_free(&mpi_->own);
}

std::unique_ptr<Team> Team::split(int ranks_each) const {
  if (!mpi_) return std::make_unique<Team>();
  const Waiting waiting;
  MPI_Comm part = MPI_COMM_NULL;
  check(MPI_Comm_split(mpi_->own, rank_ / ranks_each, rank_, &part), "MPI_Comm_split");
  auto team = std::make_unique<Team>(&part);
  check(MPI_Comm_free(&part), "MPI_Comm_free");
  team->first_rank_ = first_rank_ + rank_ / ranks_each * ranks_each;
  return team;
}

Verdict Team::agree(const std::optional<Failure>& mine, Patience patience) {
  if (!verdict_.ok()) return verdict_;
  if (!mpi_) {
    if (mine) verdict_.failures.push_back(*mine);
    return verdict_;
  }
  const Waiting waiting;
  static int failed, failures;  // the request below may outlive this call
  failed = mine ? 1 : 0;
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Iallreduce(&failed, &failures, 1, MPI_INT, MPI_SUM, mpi_->own, &request), "MPI_Iallreduce");
  std::optional<Clock::time_point> deadline;
  if (mine) deadline = Clock::now() + of_a_failed_rank(patience);
  if (!completes(request, deadline)) {
    verdict_ = {{*mine}, true};  // the request stays open: the caller's next and last MPI call is abort
    verdict_.failures.front().rank = first_rank_ + rank_;
    verdict_.failures.front().host = host_name();
  } else if (failures > 0) {
    verdict_.failures = exchange(mine);
  }
  return verdict_;
}

/// Everyone is here: who failed, and why.
std::vector<Failure> Team::exchange(const std::optional<Failure>& mine) const {
  std::string text;
  if (mine) {
    text = std::to_string(static_cast<int>(mine->code)) + '\0' + host_name() + '\0' + mine->origin + '\0' +
           mine->message.substr(0, longest_message);
  }
  const auto all = gather(text);
  std::vector<Failure> found;
  for (std::size_t r = 0; r < all.size(); ++r) {
    if (all[r].empty()) continue;
    std::size_t at = 0;
    const auto next = [&] {
      const std::size_t from = at, end = all[r].find('\0', from);
      at = end + 1;
      return all[r].substr(from, end - from);
    };
    Failure failure;
    failure.rank = first_rank_ + static_cast<int>(r);
    failure.code = static_cast<ErrorCode>(std::stoi(next()));
    failure.host = next();
    failure.origin = next();
    failure.message = all[r].substr(at);
    found.push_back(std::move(failure));
  }
  return found;
}

std::vector<double> Team::gather(double mine) const {
  if (!mpi_) return {mine};
  const Waiting waiting;
  std::vector<double> all(static_cast<std::size_t>(size_));
  check(MPI_Allgather(&mine, 1, MPI_DOUBLE, all.data(), 1, MPI_DOUBLE, mpi_->own), "MPI_Allgather");
  return all;
}

std::vector<std::string> Team::gather(const std::string& mine) const {
  if (!mpi_) return {mine};
  const Waiting waiting;
  const int length = static_cast<int>(mine.size());
  std::vector<int> lengths(static_cast<std::size_t>(size_)), starts;
  check(MPI_Allgather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, mpi_->own), "MPI_Allgather");
  int end = 0;
  for (const int each : lengths) {
    starts.push_back(end);
    end += each;
  }
  std::string text(static_cast<std::size_t>(end), '\0');
  check(MPI_Allgatherv(mine.data(), length, MPI_CHAR, text.data(), lengths.data(), starts.data(), MPI_CHAR, mpi_->own),
        "MPI_Allgatherv");
  std::vector<std::string> all;
  for (std::size_t r = 0; r < lengths.size(); ++r) {
    all.push_back(text.substr(static_cast<std::size_t>(starts[r]), static_cast<std::size_t>(lengths[r])));
  }
  return all;
}

std::shared_ptr<void> Team::duplicate() const {
  if (!mpi_) return nullptr;
  const Waiting waiting;
  return {new MPI_Comm(duplicate_of(mpi_->own)), [this](void* address) {
            auto* communicator = static_cast<MPI_Comm*>(address);
            if (verdict_.ok()) MPI_Comm_free(communicator);  // as the destructor does
            delete communicator;
          }};
}

void* Team::mpi_communicator() const { return mpi_ ? &mpi_->own : nullptr; }

}  // namespace ptychoflow::comm
