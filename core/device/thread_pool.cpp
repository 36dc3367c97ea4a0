#include "core/device/thread_pool.hpp"

#include <algorithm>
#include <atomic>

namespace ptychoflow::device {

std::vector<Share> shrinking_shares(Index count, Index takers) {
  if (takers == 1) return {{0, count}};
  std::vector<Share> shares;
  const Index smallest = std::max<Index>(1, count / (32 * takers));
  for (Index first = 0; first < count;) {
    // Each round gives away three quarters of the rest: every share has sums of its own, to be cleared and added up.
    const Index size = std::max(smallest, 3 * (count - first) / (4 * takers));
    for (Index t = 0; t < takers && first < count; ++t) {
      shares.push_back({first, std::min(first + size, count)});
      first = shares.back().last;
    }
  }
  return shares;
}

ThreadPool::ThreadPool(int size) : errors_(static_cast<std::size_t>(std::max(size, 1))) {
  for (int t = 1; t < size; ++t) workers_.emplace_back([this, t] { work(t); });
}

ThreadPool::~ThreadPool() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  start_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::run(const std::function<void(int)>& body) {
  {
    const std::scoped_lock lock(mutex_);
    body_ = &body;
    running_ = static_cast<int>(workers_.size());
    ++round_;
  }
  start_.notify_all();
  call(0);
  {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return running_ == 0; });
  }
  std::exception_ptr first;
  for (auto& error : errors_) {
    if (error && !first) first = error;
    error = nullptr;
  }
  if (first) std::rethrow_exception(first);
}

void ThreadPool::run_in_turn(Index count, const std::function<void(int, Index)>& body) {
  std::atomic<Index> next = size();
  run([&](int thread) {
    for (Index item = thread; item < count; item = next++) body(thread, item);
  });
}

void ThreadPool::call(int thread) {
  try {
    (*body_)(thread);
  } catch (...) {
    errors_[static_cast<std::size_t>(thread)] = std::current_exception();
  }
}

void ThreadPool::work(int thread) {
  for (long seen = 0;;) {
    {
      std::unique_lock lock(mutex_);
      start_.wait(lock, [&] { return stop_ || round_ != seen; });
      if (stop_) return;
      seen = round_;
    }
    call(thread);
    {
      const std::scoped_lock lock(mutex_);
      --running_;
    }
    done_.notify_one();
  }
}

}  // namespace ptychoflow::device
