#include "core/comm/activity.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <utility>

namespace ptychoflow::comm {
namespace {

std::mutex mutex;  // of the two texts
std::string doing = "the start", step;
std::atomic<double> waiting_since_s{0};  // 0: it does not wait

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

Doing::Doing(std::string what) {
  const std::lock_guard lock(mutex);
  outer_ = std::exchange(doing, std::move(what));
  outer_step_ = std::exchange(step, {});
}

Doing::~Doing() {
  const std::lock_guard lock(mutex);
  doing = std::move(outer_);
  step = std::move(outer_step_);
}

void Doing::at(std::string s) {
  const std::lock_guard lock(mutex);
  step = std::move(s);
}

Waiting::Waiting() : outermost_(waiting_since_s == 0) {
  if (outermost_) waiting_since_s = now_s();
}

Waiting::~Waiting() {
  if (outermost_) waiting_since_s = 0;
}

std::string current_activity() {
  const std::lock_guard lock(mutex);
  return step.empty() ? doing : doing + ", " + step;
}

double waiting_s() {
  const double since = waiting_since_s;
  return since == 0 ? 0 : now_s() - since;
}

}  // namespace ptychoflow::comm
