#include "core/comm/watch.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "core/comm/activity.hpp"
#include "core/comm/pulse.hpp"

namespace ptychoflow::comm {
namespace {

double clock_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// While it lives, threads that are made take no signals: those are the main thread's.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

Watch::Watch(const Communicator& ranks, double patience_s, LastActs acts)
    : rank_(ranks.rank()),
      interval_s_(patience_s / 20),
      acts_(std::move(acts)),
      meeting_(meet(ranks)),
      judge_(patience_s),
      wake_(eventfd(0, EFD_CLOEXEC)) {
  const double now_s = clock_s();
  if (rank_ == 0) judge_.watch(0, meeting_.host, now_s);
  for (const Peer& peer : meeting_.peers) judge_.watch(peer.rank, peer.host, now_s);
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

Watch::~Watch() {
  for (const Peer& peer : meeting_.peers) {
    send_message(peer.inbox.socket(), {.kind = Message::Kind::bye, .rank = rank_});
  }
  leaving_ = true;
  const std::uint64_t one = 1;
  static_cast<void>(!write(wake_.descriptor(), &one, sizeof one));  // if not, it looks up at its next beat
  thread_.join();
}

void Watch::end_others(int exit_code) const noexcept {
  spoken_ = true;
  const auto kind = rank_ == 0 ? Message::Kind::end : Message::Kind::told;
  const Message message{.kind = kind, .rank = rank_, .exit_code = exit_code};
  for (const Peer& peer : meeting_.peers) send_message(peer.inbox.socket(), message);
}

void Watch::run() {
  Pulse pulse;
  double looked_s = clock_s(), beat_s = 0;
  for (;;) {
    wait(interval_s_);
    const double now_s = clock_s();
    if (now_s - looked_s > judge_.limit_s() / 2) judge_.forgive(now_s);
    looked_s = now_s;
    read(now_s);
    if (now_s - beat_s >= interval_s_) {
      beat(now_s, pulse);
      beat_s = now_s;
    }
    const bool alone = std::ranges::all_of(meeting_.peers, [](const Peer& p) { return p.inbox.closed(); });
    if (leaving_ && (rank_ != 0 || alone)) return;
    if (const auto fault = judge_.fault(now_s)) act_on(*fault, now_s);
  }
}

/// Until something has arrived, or the destructor calls.
void Watch::wait(double limit_s) {
  std::vector<pollfd> entries;
  if (!leaving_) entries.push_back({wake_.descriptor(), POLLIN, 0});
  for (const Peer& peer : meeting_.peers) {
    if (!peer.inbox.closed()) entries.push_back({peer.inbox.socket().descriptor(), POLLIN, 0});
  }
  poll(entries.data(), entries.size(), std::max(1, static_cast<int>(1e3 * limit_s)));
}

void Watch::read(double now_s) {
  for (Peer& peer : meeting_.peers) {
    while (const auto message = peer.inbox.next()) {
      switch (message->kind) {
        case Message::Kind::hello:
          break;
        case Message::Kind::beat:
          judge_.hear(peer.rank, {message->stalled_s, message->on_file != 0, message->waits_s, message->text}, now_s);
          break;
        case Message::Kind::bye:
          judge_.leave(peer.rank);
          break;
        case Message::Kind::told:
          end_others(message->exit_code);
          end(message->exit_code);
        case Message::Kind::end:
          end(message->exit_code);
      }
    }
    if (peer.inbox.closed()) judge_.lose(peer.rank);
  }
}

void Watch::beat(double now_s, Pulse& pulse) {
  pulse.take();
  const Beat mine{pulse.stalled_s(), pulse.on_file(), waiting_s(), current_activity()};
  Message message{.rank = rank_, .on_file = mine.on_file ? 1 : 0, .stalled_s = mine.stalled_s, .waits_s = mine.waits_s};
  message.set_text(mine.activity);
  for (const Peer& peer : meeting_.peers) send_message(peer.inbox.socket(), message);
  judge_.hear(rank_, mine, now_s);  // counts on the root, which judges itself too
}

void Watch::act_on(const Fault& fault, double now_s) {
  if (spoken_) return;
  if (acts_.expected()) end(acts_.exit_code);
  if (rank_ != 0 && rank_ != meeting_.deputy) {
    // The first process to end makes the launcher kill the others: the deputy must have spoken by then.
    if (fault_since_s_ == 0) fault_since_s_ = now_s;
    if (now_s - fault_since_s_ > 2 * interval_s_) end(acts_.exit_code);
    return;
  }
  acts_.tell(fault);
  end_others(acts_.exit_code);
  end(acts_.exit_code);
}

void Watch::end(int exit_code) {
  acts_.tidy();
  _exit(exit_code);
}

}  // namespace ptychoflow::comm
