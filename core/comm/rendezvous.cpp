#include "core/comm/rendezvous.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <sstream>

namespace ptychoflow::comm {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double address_limit_s = 1;   // for an address to answer
constexpr double meeting_limit_s = 10;  // for all ranks to come

/// What the root tells all by MPI: `token port host address ...`.
struct Place {
  std::uint64_t token = 0;
  int port = 0;
  std::string host;
  std::vector<std::string> addresses;

  std::string text() const {
    std::ostringstream out;
    out << token << ' ' << port << ' ' << host;
    for (const auto& address : addresses) out << ' ' << address;
    return out.str();
  }

  static Place of(const std::string& text) {
    Place place;
    std::istringstream in(text);
    in >> place.token >> place.port >> place.host;
    for (std::string address; in >> address;) place.addresses.push_back(address);
    return place;
  }
};

std::uint64_t random_token() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

/// The root's part: whoever knows the token is who they say.
std::vector<Peer> receive(const Socket& listener, const Place& place, int count) {
  std::vector<Peer> peers;
  const auto start = Clock::now();
  const auto left_s = [&] { return meeting_limit_s - std::chrono::duration<double>(Clock::now() - start).count(); };
  while (static_cast<int>(peers.size()) < count && left_s() > 0) {
    Socket socket = accept_within(listener, left_s());
    if (!socket) continue;
    Inbox inbox(std::move(socket));
    const auto hello = inbox.next_within(address_limit_s);
    if (!hello || hello->kind != Message::Kind::hello || hello->token != place.token) continue;
    send_message(inbox.socket(), *hello);
    peers.push_back({hello->rank, hello->text, std::move(inbox)});
  }
  std::ranges::sort(peers, {}, &Peer::rank);
  return peers;
}

/// The others' part. Another machine may have the root's address too, in a network of its own: only the root answers.
std::vector<Peer> visit(const Place& place, int rank, const std::string& host) {
  Message hello{.kind = Message::Kind::hello, .rank = rank, .token = place.token};
  hello.set_text(host);
  for (const auto& address : place.addresses) {
    if (address.starts_with("127.") && host != place.host) continue;
    Socket socket = connect_to(address, place.port, address_limit_s);
    if (!socket) continue;
    send_message(socket, hello);
    Inbox inbox(std::move(socket));
    const auto answer = inbox.next_within(2 * address_limit_s);
    if (!answer || answer->kind != Message::Kind::hello || answer->token != place.token) continue;
    std::vector<Peer> root;
    root.push_back({0, place.host, std::move(inbox)});
    return root;
  }
  return {};
}

}  // namespace

Meeting meet(const Communicator& ranks) {
  Meeting meeting{.host = host_name(), .peers = {}, .missing = {}};
  Place place;
  Socket listener;
  if (ranks.is_root()) {
    place = {random_token(), 0, meeting.host, own_addresses()};
    listener = listen_anywhere(place.port);
  }
  std::string text = place.text();
  ranks.broadcast(text);
  ranks.barrier();  // from here on, nobody waits for one that is late
  place = Place::of(text);
  if (place.port > 0) {
    meeting.peers =
        ranks.is_root() ? receive(listener, place, ranks.size() - 1) : visit(place, ranks.rank(), meeting.host);
  }
  // A rank has come if both sides think so.
  std::vector<std::int64_t> came;
  if (ranks.is_root()) {
    for (const Peer& peer : meeting.peers) came.push_back(peer.rank);
    const auto away = std::ranges::find_if(meeting.peers, [&](const Peer& p) { return p.host != meeting.host; });
    if (away != meeting.peers.end()) {
      meeting.deputy = away->rank;
    } else if (!meeting.peers.empty()) {
      meeting.deputy = meeting.peers.front().rank;
    }
  }
  const auto seen = ranks.gather(came);
  const auto deputies = ranks.gather(std::vector<std::int64_t>{meeting.deputy});
  const auto found = ranks.gather(std::vector<std::int64_t>{meeting.peers.empty() ? 0 : 1});
  meeting.deputy = static_cast<int>(deputies.front());
  const auto is_here = [&](int rank) { return std::ranges::count(seen, rank) > 0 && found.at(rank) != 0; };
  for (int rank = 1; rank < ranks.size(); ++rank) {
    if (!is_here(rank)) meeting.missing.push_back(rank);
  }
  std::erase_if(meeting.peers, [&](const Peer& p) { return !is_here(ranks.is_root() ? p.rank : ranks.rank()); });
  return meeting;
}

std::string host_name() {
  char name[256] = "";
  return gethostname(name, sizeof(name) - 1) == 0 && *name ? name : "unnamed";
}

}  // namespace ptychoflow::comm
