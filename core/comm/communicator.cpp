#include "core/comm/communicator.hpp"

#include <mpi.h>
#if __has_include(<mpi-ext.h>)
#include <mpi-ext.h>
#endif

#include <algorithm>
#include <utility>

#include "core/comm/activity.hpp"
#include "core/comm/mpi_check.hpp"

namespace ptychoflow::comm {
namespace {

constexpr Index largest_message = Index{1} << 28;  // elements; MPI 3 counts are int

MPI_Comm handle(void* mpi_comm) { return *static_cast<MPI_Comm*>(mpi_comm); }

template <class T>
MPI_Datatype type_of();
template <>
MPI_Datatype type_of<float>() {
  return MPI_FLOAT;
}
template <>
MPI_Datatype type_of<double>() {
  return MPI_DOUBLE;
}
template <>
MPI_Datatype type_of<std::int64_t>() {
  return MPI_INT64_T;
}

template <class T>
std::vector<T> gather_as(void* mpi_comm, int size, const std::vector<T>& mine) {
  if (!mpi_comm) return mine;
  const Waiting waiting;
  const int count = static_cast<int>(mine.size());
  std::vector<int> counts(static_cast<std::size_t>(size)), offsets(counts.size());
  check(MPI_Allgather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, handle(mpi_comm)), "MPI_Allgather");
  int total = 0;
  for (std::size_t r = 0; r < counts.size(); ++r) {
    offsets[r] = total;
    total += counts[r];
  }
  std::vector<T> all(static_cast<std::size_t>(total));
  check(MPI_Allgatherv(mine.data(), count, type_of<T>(), all.data(), counts.data(), offsets.data(), type_of<T>(),
                       handle(mpi_comm)),
        "MPI_Allgatherv");
  return all;
}

constexpr std::size_t largest_part = std::size_t{1} << 30;  // of a message, bytes; MPI 3 counts are int

/// Calls body(offset, bytes, number of the part) for each part of a message.
template <class Body>
void for_parts(std::size_t bytes, const Body& body) {
  int part = 0;
  for (std::size_t done = 0; done < bytes; done += largest_part) {
    body(done, static_cast<int>(std::min(bytes - done, largest_part)), part++);
  }
}

}  // namespace

struct Exchange::Requests {
  std::vector<MPI_Request> open;  ///< receives first
  std::size_t receives = 0;
};

Exchange::Exchange() = default;
Exchange::Exchange(Exchange&&) noexcept = default;
Exchange& Exchange::operator=(Exchange&& other) noexcept {
  std::swap(requests_, other.requests_);
  return *this;
}

Exchange::~Exchange() {
  // After a failure elsewhere the messages may never come. Nothing may be written where they were to go.
  if (!requests_) return;
  for (std::size_t i = 0; i < requests_->open.size(); ++i) {
    MPI_Request& request = requests_->open[i];
    if (request == MPI_REQUEST_NULL) continue;
    if (i < requests_->receives) MPI_Cancel(&request);
    MPI_Request_free(&request);
  }
}

void Exchange::advance() {
  if (!requests_) return;
  int done = 0;
  check(MPI_Testall(static_cast<int>(requests_->open.size()), requests_->open.data(), &done, MPI_STATUSES_IGNORE),
        "MPI_Testall");
}

void Exchange::finish() {
  if (!requests_) return;
  const Waiting waiting;
  check(MPI_Waitall(static_cast<int>(requests_->open.size()), requests_->open.data(), MPI_STATUSES_IGNORE),
        "MPI_Waitall");
  requests_.reset();
}

Communicator::Communicator(void* mpi_comm) : mpi_comm_(mpi_comm) {
  if (!mpi_comm_) return;
  check(MPI_Comm_rank(handle(mpi_comm_), &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(handle(mpi_comm_), &size_), "MPI_Comm_size");
}

template <class T>
void Communicator::sum(T* data, Index count) const {
  if (size_ == 1) return;
  traffic_->in_sums += 2 * static_cast<std::uint64_t>(count) * sizeof(T) * static_cast<std::uint64_t>(size_ - 1) /
                       static_cast<std::uint64_t>(size_);
  for (Index done = 0; done < count; done += largest_message) {
    const int n = static_cast<int>(std::min(count - done, largest_message));
    const Waiting waiting;
    check(MPI_Allreduce(MPI_IN_PLACE, data + done, n, type_of<T>(), MPI_SUM, handle(mpi_comm_)), "MPI_Allreduce");
  }
}

template void Communicator::sum(float*, Index) const;
template void Communicator::sum(double*, Index) const;
template void Communicator::sum(std::int64_t*, Index) const;

double Communicator::max(double value) const {
  if (size_ == 1) return value;
  const Waiting waiting;
  check(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_MAX, handle(mpi_comm_)), "MPI_Allreduce");
  return value;
}

Exchange Communicator::exchange(const std::vector<Transfer>& messages) const {
  Exchange exchange;
  if (messages.empty()) return exchange;
  exchange.requests_ = std::make_unique<Exchange::Requests>();
  auto& open = exchange.requests_->open;
  for (const auto& m : messages) {
    for_parts(m.bytes, [&](std::size_t offset, int bytes, int part) {
      check(MPI_Irecv(static_cast<char*>(m.receive) + offset, bytes, MPI_BYTE, m.rank, part, handle(mpi_comm_),
                      &open.emplace_back(MPI_REQUEST_NULL)),
            "MPI_Irecv");
    });
  }
  exchange.requests_->receives = open.size();
  for (const auto& m : messages) {
    traffic_->to_neighbours += m.bytes;
    for_parts(m.bytes, [&](std::size_t offset, int bytes, int part) {
      check(MPI_Isend(static_cast<const char*>(m.send) + offset, bytes, MPI_BYTE, m.rank, part, handle(mpi_comm_),
                      &open.emplace_back(MPI_REQUEST_NULL)),
            "MPI_Isend");
    });
  }
  return exchange;
}

void Communicator::send(const void* data, std::size_t bytes, int to) const {
  const Waiting waiting;
  for_parts(bytes, [&](std::size_t offset, int size, int part) {
    check(MPI_Send(static_cast<const char*>(data) + offset, size, MPI_BYTE, to, part, handle(mpi_comm_)), "MPI_Send");
  });
}

void Communicator::receive(void* data, std::size_t bytes, int from) const {
  const Waiting waiting;
  for_parts(bytes, [&](std::size_t offset, int size, int part) {
    check(MPI_Recv(static_cast<char*>(data) + offset, size, MPI_BYTE, from, part, handle(mpi_comm_), MPI_STATUS_IGNORE),
          "MPI_Recv");
  });
}

void Communicator::barrier() const {
  if (size_ == 1) return;
  const Waiting waiting;
  check(MPI_Barrier(handle(mpi_comm_)), "MPI_Barrier");
}

bool Communicator::takes_gpu_memory() const {
#if defined(MPIX_CUDA_AWARE_SUPPORT)
  return size_ > 1 && MPIX_Query_cuda_support() == 1;
#else
  return false;
#endif
}

void Communicator::broadcast(std::string& text) const {
  if (size_ == 1) return;
  const Waiting waiting;
  std::int64_t length = static_cast<std::int64_t>(text.size());
  check(MPI_Bcast(&length, 1, MPI_INT64_T, 0, handle(mpi_comm_)), "MPI_Bcast");
  text.resize(static_cast<std::size_t>(length));
  check(MPI_Bcast(text.data(), static_cast<int>(length), MPI_CHAR, 0, handle(mpi_comm_)), "MPI_Bcast");
}

std::vector<double> Communicator::gather(const std::vector<double>& mine) const {
  return gather_as(mpi_comm_, size_, mine);
}

std::vector<std::int64_t> Communicator::gather(const std::vector<std::int64_t>& mine) const {
  return gather_as(mpi_comm_, size_, mine);
}

}  // namespace ptychoflow::comm
