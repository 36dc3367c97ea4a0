// What ranks exchange in an iteration, with nothing computed beside it: bench_exchange WIDTH ROWS [BYTES], under
// mpirun. Prints one line of JSON; ci/bench-scaling takes latency and bandwidth of the interconnect from such lines.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "core/comm/session.hpp"
#include "core/ptycho/shared_rows.hpp"

namespace ptychoflow {
namespace {

constexpr int repeats = 200;

/// Seconds of `body` when all ranks start it together: of each time the last rank's, of these the median.
template <class Body>
double time_together(const comm::Communicator& ranks, const Body& body) {
  std::vector<double> seconds;
  for (int i = 0; i < repeats; ++i) {
    ranks.barrier();
    const auto start = std::chrono::steady_clock::now();
    body();
    const std::chrono::duration<double> mine = std::chrono::steady_clock::now() - start;
    seconds.push_back(ranks.max(mine.count()));
  }
  std::ranges::nth_element(seconds, seconds.begin() + repeats / 2);
  return seconds[repeats / 2];
}

/// Ranks one above the other, each of which shares `rows` rows with the next, and has as many to itself.
ptycho::Distribution bands(Index rows, const comm::Communicator& ranks) {
  const auto first = [&](int rank) { return 2 * rows * rank; };
  ptycho::Distribution d;
  d.whole = false;
  d.rows = d.owned = {first(ranks.rank()), first(ranks.rank()) + 3 * rows};
  for (const int other : {ranks.rank() - 1, ranks.rank() + 1}) {
    if (other < 0 || other >= ranks.size()) continue;
    const Index shared = first(std::max(other, ranks.rank()));
    d.neighbours.push_back({other, {shared, shared + rows}});
  }
  return d;
}

}  // namespace
}  // namespace ptychoflow

int main(int argc, char** argv) {
  using namespace ptychoflow;
  if (argc < 3) {
    fmt::print(stderr, "usage: bench_exchange WIDTH ROWS [BYTES]: shared rows of the object, and bytes of a sum\n");
    return 2;
  }
  const Index width = std::atol(argv[1]), rows = std::atol(argv[2]), bytes = argc > 3 ? std::atol(argv[3]) : 131072;
  const comm::Session session;
  const auto handle = session.everyone().duplicate();
  const comm::Communicator ranks(handle.get());

  const ptycho::Distribution distribution = bands(rows, ranks);
  ptycho::Overlap<float> overlap;
  overlap.numerator = device::Array<Complex<float>, 3>({1, distribution.rows.size(), width});
  ptycho::SharedRows<float> shared(distribution, ranks);
  const double exchange = time_together(ranks, [&] {
    shared.start(overlap);
    shared.finish(overlap);
  });

  std::vector<std::byte> out(static_cast<std::size_t>(width * rows) * sizeof(Complex<float>)), in(2 * out.size());
  const double messages = time_together(ranks, [&] {
    std::vector<comm::Transfer> both;
    for (const auto& n : distribution.neighbours) {
      both.push_back({n.rank, out.data(), in.data() + both.size() * out.size(), out.size()});
    }
    ranks.exchange(std::move(both)).finish();
  });

  std::vector<float> numbers(static_cast<std::size_t>(bytes) / sizeof(float));
  const double sum = time_together(ranks, [&] { ranks.sum(numbers.data(), static_cast<Index>(numbers.size())); });
  const double small = time_together(ranks, [&] { ranks.sum(numbers.data(), 1); });
  if (ranks.is_root()) {
    fmt::print(
        "{{\"ranks\": {}, \"bytes_to_a_neighbour\": {}, \"exchange_s\": {:.4g}, \"messages_s\": {:.4g}, "
        "\"sum_bytes\": {}, \"sum_s\": {:.4g}, \"one_number_s\": {:.4g}}}\n",
        ranks.size(), out.size(), exchange, messages, bytes, sum, small);
  }
}
