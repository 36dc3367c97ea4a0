// A fixed team of threads that run the same function, each with its number.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "core/base/view.hpp"

namespace ptychoflow::device {

/// The half-open range [first, last) of `count` items that is part `part` of `parts` (almost) equal ones.
struct Share {
  Index first;
  Index last;
  Index size() const { return last - first; }
};

inline Share share_of(Index count, Index part, Index parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

/// Cuts `count` items into contiguous shares for `takers` that take them in turn: a large one for each, then smaller
/// and smaller ones, so that takers of unequal speed end together. One share for one taker.
std::vector<Share> shrinking_shares(Index count, Index takers);

/// `size` threads, the caller's own among them.
class ThreadPool {
 public:
  explicit ThreadPool(int size);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls `body(thread)` once for each thread and waits. Rethrows the exception of the lowest-numbered thread that
  /// threw. Not reentrant.
  void run(const std::function<void(int thread)>& body);

  /// Calls `body(thread, item)` once for each item, 0 first; a thread takes the next item when it is free. Which thread
  /// takes which item differs from call to call, but for the first ones: thread t begins with item t.
  void run_in_turn(Index count, const std::function<void(int thread, Index item)>& body);

  /// Calls `body(share)` for an equal share of `count` items on each thread that gets any.
  template <class Body>
  void run_in_bands(Index count, const Body& body) {
    run([&](int thread) {
      const Share band = share_of(count, thread, size());
      if (band.size() > 0) body(band);
    });
  }

 private:
  void work(int thread);
  void call(int thread);

  std::vector<std::thread> workers_;
  std::vector<std::exception_ptr> errors_;
  std::mutex mutex_;
  std::condition_variable start_, done_;
  const std::function<void(int)>* body_ = nullptr;
  long round_ = 0;
  int running_ = 0;
  bool stop_ = false;
};

}  // namespace ptychoflow::device
