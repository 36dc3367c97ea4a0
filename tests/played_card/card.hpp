// A card that the processor plays: CUDA's runtime, as far as this project calls it, so that the code that drives a GPU
// runs where there is none. It does work as late as it may, or in any order that streams and events allow, in memory
// that only its work may touch, and fails where it is told to.
//
//   PLAYED_CARDS=2                     how many there are (1)
//   PLAYED_CARD_BYTES=64000000         memory of each (4 GiB)
//   PLAYED_CARD_ORDER=late|soon|N      when work is done: when somebody waits for it (late), at once (soon), or at
//                                      random, N being the seed
//   PLAYED_CARD_FAULT=CALL:N:ERROR     the N-th CALL fails, e.g. cudaMemcpyAsync:40:cudaErrorECCUncorrectable; launch
//                                      stands for kernels, whose faults show later. What loses a card stays
//   PLAYED_CARD_FAULT_RANK=2           on this rank alone
//   PLAYED_CARD_PEAK=FILE              gets the most bytes of the card that were taken at a time
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace played_card {

using Work = std::function<void()>;

struct Line;

/// How far a line of work had got.
struct Moment {
  std::shared_ptr<Line> line;
  std::uint64_t position = 0;
};

/// Work, or a wait for another line.
struct Step {
  Work work;
  Moment awaited;
};

/// Steps that are taken one after the other.
struct Line {
  std::deque<Step> steps;
  std::uint64_t given = 0, done = 0;
};

/// What a capture has recorded: steps of several lines, by number, in the order in which they were given.
struct Recording {
  struct Part {
    std::size_t line;
    Work work;
    std::size_t awaited_line;
    std::uint64_t awaited_position;  ///< 0: waits for none
  };
  std::vector<Part> parts;
  std::vector<std::uint64_t> given{0};  ///< by line; the first is that of the stream that began
  std::vector<cudaStream_t> streams;
  bool broken = false;

  /// All lines have come back to the first.
  bool joined() const;
};

class Card {
 public:
  static Card& instance();

  /// Runs `body` unless this call is to fail, and remembers its status.
  template <class Body>
  cudaError_t call(const char* name, const Body& body) {
    const std::lock_guard lock(mutex_);
    cudaError_t status = fault(name);
    if (status == cudaSuccess) status = body();
    if (status == cudaSuccess) status = lost_;
    if (status != cudaSuccess) last_error_ = status;
    return status;
  }

  cudaError_t take_last_error();
  int visible() const;

  void give(Line& line, Step step);
  void reach(Line& line, std::uint64_t position);
  void reach_all(bool those_that_wait_for_default_only);
  void enter(const std::shared_ptr<Line>& line, bool waits_for_default);
  void leave(const std::shared_ptr<Line>& line);
  void play(const Recording& recording);

  /// The capture of this thread, if there is one.
  Recording*& capture();

  void* allocate(std::size_t bytes);
  void* allocate_pinned(std::size_t bytes);
  bool release(void* data);
  bool owns(const void* data, std::size_t bytes) const;
  bool pinned(const void* data, std::size_t bytes) const;
  std::size_t total() const { return total_; }
  std::size_t used() const { return used_; }
  std::size_t peak() const { return peak_; }

  /// A kernel's work: its fault shows at the next call.
  void run_kernel(const Work& work);

 private:
  Card();

  struct Block {
    char* pages;
    std::size_t page_bytes, bytes;
  };

  cudaError_t fault(const char* name);
  bool faults_now(const char* name);
  void take_step(Line& line);
  void maybe_go_on();
  void protect(int protection);
  template <class Body>
  void with_open_memory(const Body& body);

  std::recursive_mutex mutex_;
  cudaError_t last_error_ = cudaSuccess, lost_ = cudaSuccess;
  std::string fault_call_;
  std::uint64_t fault_number_ = 0, fault_calls_ = 0;
  cudaError_t fault_error_ = cudaSuccess;
  enum class Order { late, soon, random } order_ = Order::late;
  std::mt19937 random_;
  std::map<std::shared_ptr<Line>, bool> lines_;
  std::map<const char*, Block> blocks_;
  std::map<const char*, std::size_t> pinned_;
  std::size_t total_, used_ = 0, peak_ = 0;
  int open_ = 0;
};

/// Gives work to a stream, or to what is being recorded of it.
cudaError_t give(cudaStream_t stream, Work work);

}  // namespace played_card

struct cudaPlayedStream {
  std::shared_ptr<played_card::Line> line = std::make_shared<played_card::Line>();
  bool waits_for_default = true;
  played_card::Recording* recording = nullptr;
  std::size_t recorded_line = 0;
};

struct cudaPlayedEvent {
  played_card::Moment moment;
  played_card::Recording* recording = nullptr;  ///< of which the moment is a part, by number of line
  std::size_t recorded_line = 0;
};

struct cudaPlayedGraph {
  played_card::Recording recording;
};

struct cudaPlayedGraphExec {
  std::shared_ptr<const played_card::Recording> recording;
};
