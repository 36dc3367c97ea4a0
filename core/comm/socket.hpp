// TCP between the ranks' watches: short messages, of which one that cannot be sent at once is lost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ptychoflow::comm {

/// A file descriptor, closed with its owner.
class Socket {
 public:
  explicit Socket(int descriptor = -1) : descriptor_(descriptor) {}
  ~Socket();
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;

  int descriptor() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

/// What ranks of one program send each other, as it lies in memory.
struct Message {
  enum class Kind : std::int32_t {
    hello,  ///< to the root: I am `rank`, on host `text`; `token` proves it. The root answers in kind
    beat,   ///< all else
    bye,    ///< I have ended well
    told,   ///< to the root: I have told the user why; end all with `exit_code`
    end,    ///< from the root: end at once with `exit_code`
  };
  Kind kind = Kind::beat;
  std::int32_t rank = 0;
  std::int32_t exit_code = 0;
  std::int32_t on_file = 0;
  std::uint64_t token = 0;
  double stalled_s = 0;
  double waits_s = 0;
  char text[128] = "";

  void set_text(const std::string& words);  ///< cut to what fits
};

/// Never waits. [any-thread, async-signal-safe]
void send_message(const Socket& to, const Message& message) noexcept;

/// A connection, and the part of a message that has arrived.
class Inbox {
 public:
  explicit Inbox(Socket socket) : socket_(std::move(socket)) {}

  /// The next message that has arrived whole, if any. Never waits.
  std::optional<Message> next();

  /// The same, waiting for it for up to `limit_s`.
  std::optional<Message> next_within(double limit_s);

  const Socket& socket() const { return socket_; }
  bool closed() const { return closed_; }  ///< by the other side, and all messages have been read

 private:
  Socket socket_;
  char part_[sizeof(Message)] = "";
  std::size_t filled_ = 0;
  bool closed_ = false;
};

/// Listens on all addresses of this machine; `port`: the one that was free. Empty if it cannot be had.
Socket listen_anywhere(int& port);

/// The next connection within `limit_s`, or none.
Socket accept_within(const Socket& listener, double limit_s);

/// Empty if nobody answers within `limit_s`. `address`: IPv4, in digits.
Socket connect_to(const std::string& address, int port, double limit_s);

/// IPv4 addresses of this machine's interfaces that are up, the loopback first.
std::vector<std::string> own_addresses();

/// Waits until there is something to read; false if not within `limit_s`.
bool wait_readable(const Socket& socket, double limit_s);

}  // namespace ptychoflow::comm
