#include "core/comm/socket.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

namespace ptychoflow::comm {
namespace {

int milliseconds(double s) { return std::max(0, static_cast<int>(std::ceil(1e3 * s))); }

bool wait_for(const Socket& socket, short what, double limit_s) {
  pollfd entry{socket.descriptor(), what, 0};
  return poll(&entry, 1, milliseconds(limit_s)) > 0;
}

/// Beats are short and must not wait for each other.
void send_at_once(const Socket& socket) {
  const int yes = 1;
  setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

}  // namespace

Socket::~Socket() {
  if (descriptor_ >= 0) close(descriptor_);
}

Socket::Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

void Message::set_text(const std::string& words) {
  const std::size_t length = std::min(words.size(), sizeof text - 1);
  std::memcpy(text, words.data(), length);
  text[length] = '\0';
}

void send_message(const Socket& to, const Message& message) noexcept {
  const int reason = errno;
  if (to) static_cast<void>(send(to.descriptor(), &message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL));
  errno = reason;
}

std::optional<Message> Inbox::next() {
  while (!closed_ && filled_ < sizeof part_) {
    const ssize_t n = recv(socket_.descriptor(), part_ + filled_, sizeof part_ - filled_, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
    if (n <= 0) closed_ = true;
    if (n > 0) filled_ += static_cast<std::size_t>(n);
  }
  if (filled_ < sizeof part_) return std::nullopt;
  filled_ = 0;
  Message message;
  std::memcpy(&message, part_, sizeof message);
  message.text[sizeof message.text - 1] = '\0';
  return message;
}

std::optional<Message> Inbox::next_within(double limit_s) {
  if (auto message = next()) return message;
  if (closed_ || !wait_readable(socket_, limit_s)) return std::nullopt;
  return next();  // a message is sent in one piece; half of one is nobody's that we know
}

Socket listen_anywhere(int& port) {
  Socket listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (!listener || bind(listener.descriptor(), generic, length) != 0 || listen(listener.descriptor(), SOMAXCONN) != 0 ||
      getsockname(listener.descriptor(), generic, &length) != 0) {
    return Socket();
  }
  port = ntohs(address.sin_port);
  return listener;
}

Socket accept_within(const Socket& listener, double limit_s) {
  if (!wait_readable(listener, limit_s)) return Socket();
  Socket socket(accept4(listener.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
  if (socket) send_at_once(socket);
  return socket;
}

Socket connect_to(const std::string& address, int port, double limit_s) {
  Socket to(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(static_cast<std::uint16_t>(port));
  if (!to || inet_pton(AF_INET, address.c_str(), &peer.sin_addr) != 1) return Socket();
  if (connect(to.descriptor(), reinterpret_cast<sockaddr*>(&peer), sizeof peer) != 0) {
    int fault = 0;
    socklen_t length = sizeof fault;
    if (errno != EINPROGRESS || !wait_for(to, POLLOUT, limit_s) ||
        getsockopt(to.descriptor(), SOL_SOCKET, SO_ERROR, &fault, &length) != 0 || fault != 0) {
      return Socket();
    }
  }
  send_at_once(to);
  return to;
}

std::vector<std::string> own_addresses() {
  std::vector<std::string> loopback, others;
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return {"127.0.0.1"};
  for (const ifaddrs* entry = first; entry; entry = entry->ifa_next) {
    if (!entry->ifa_addr || entry->ifa_addr->sa_family != AF_INET || !(entry->ifa_flags & IFF_UP)) continue;
    char digits[INET_ADDRSTRLEN] = "";
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr, digits, sizeof digits);
    (entry->ifa_flags & IFF_LOOPBACK ? loopback : others).emplace_back(digits);
  }
  freeifaddrs(first);
  loopback.insert(loopback.end(), others.begin(), others.end());
  return loopback;
}

bool wait_readable(const Socket& socket, double limit_s) { return wait_for(socket, POLLIN, limit_s); }

}  // namespace ptychoflow::comm
